package opcua

import "vedette/internal/normalize/wire/ot/ics"

// The services that are treated by themselves, by the ids of their requests in
// binary (part 6, annex A). The id of an answer is 3 more.
const (
	idFindServers, idGetEndpoints, idOpenChannel = 422, 428, 446
	idCreateSession, idActivateSession           = 461, 467
	idAddNodes, idDeleteNodes, idBrowse          = 488, 500, 527
	idRead, idWrite, idCall                      = 631, 673, 712
	idMonitor, idSubscribe                       = 751, 787

	toResponse = 3
)

// service is what one id means.
type service struct {
	name           string
	request, write bool
}

// services are requests and answers, by their names in the standard.
var services = map[int]service{
	397: {"ServiceFault", false, false},
	422: {"FindServersRequest", true, false}, 425: {"FindServersResponse", false, false},
	428: {"GetEndpointsRequest", true, false}, 431: {"GetEndpointsResponse", false, false},
	437: {"RegisterServerRequest", true, false}, 440: {"RegisterServerResponse", false, false},
	446: {"OpenSecureChannelRequest", true, false}, 449: {"OpenSecureChannelResponse", false, false},
	452: {"CloseSecureChannelRequest", true, false}, 455: {"CloseSecureChannelResponse", false, false},
	461: {"CreateSessionRequest", true, false}, 464: {"CreateSessionResponse", false, false},
	467: {"ActivateSessionRequest", true, false}, 470: {"ActivateSessionResponse", false, false},
	473: {"CloseSessionRequest", true, false}, 476: {"CloseSessionResponse", false, false},
	479: {"CancelRequest", true, false}, 482: {"CancelResponse", false, false},
	488: {"AddNodesRequest", true, true}, 491: {"AddNodesResponse", false, true},
	494: {"AddReferencesRequest", true, true}, 497: {"AddReferencesResponse", false, true},
	500: {"DeleteNodesRequest", true, true}, 503: {"DeleteNodesResponse", false, true},
	506: {"DeleteReferencesRequest", true, true}, 509: {"DeleteReferencesResponse", false, true},
	527: {"BrowseRequest", true, false}, 530: {"BrowseResponse", false, false},
	533: {"BrowseNextRequest", true, false}, 536: {"BrowseNextResponse", false, false},
	554: {"TranslateBrowsePathsToNodeIdsRequest", true, false}, 557: {"TranslateBrowsePathsToNodeIdsResponse", false, false},
	560: {"RegisterNodesRequest", true, false}, 563: {"RegisterNodesResponse", false, false},
	566: {"UnregisterNodesRequest", true, false}, 569: {"UnregisterNodesResponse", false, false},
	615: {"QueryFirstRequest", true, false}, 618: {"QueryFirstResponse", false, false},
	621: {"QueryNextRequest", true, false}, 624: {"QueryNextResponse", false, false},
	631: {"ReadRequest", true, false}, 634: {"ReadResponse", false, false},
	664: {"HistoryReadRequest", true, false}, 667: {"HistoryReadResponse", false, false},
	673: {"WriteRequest", true, true}, 676: {"WriteResponse", false, true},
	700: {"HistoryUpdateRequest", true, true}, 703: {"HistoryUpdateResponse", false, true},
	712: {"CallRequest", true, true}, 715: {"CallResponse", false, true},
	751: {"CreateMonitoredItemsRequest", true, false}, 754: {"CreateMonitoredItemsResponse", false, false},
	763: {"ModifyMonitoredItemsRequest", true, false}, 766: {"ModifyMonitoredItemsResponse", false, false},
	769: {"SetMonitoringModeRequest", true, false}, 772: {"SetMonitoringModeResponse", false, false},
	775: {"SetTriggeringRequest", true, false}, 778: {"SetTriggeringResponse", false, false},
	781: {"DeleteMonitoredItemsRequest", true, false}, 784: {"DeleteMonitoredItemsResponse", false, false},
	787: {"CreateSubscriptionRequest", true, false}, 790: {"CreateSubscriptionResponse", false, false},
	793: {"ModifySubscriptionRequest", true, false}, 796: {"ModifySubscriptionResponse", false, false},
	799: {"SetPublishingModeRequest", true, false}, 802: {"SetPublishingModeResponse", false, false},
	826: {"PublishRequest", true, false}, 829: {"PublishResponse", false, false},
	832: {"RepublishRequest", true, false}, 835: {"RepublishResponse", false, false},
	841: {"TransferSubscriptionsRequest", true, false}, 844: {"TransferSubscriptionsResponse", false, false},
	847: {"DeleteSubscriptionsRequest", true, false}, 850: {"DeleteSubscriptionsResponse", false, false},
}

func nameOf(names map[int]string, code int) string {
	if s, ok := names[code]; ok {
		return s
	}
	return ics.Code(code, 2)
}

var securityModes = map[int]string{1: "None", 2: "Sign", 3: "SignAndEncrypt"}

// tokenTypes are the ways to say who one is (part 4, section 7.41).
var tokenTypes = map[int]string{
	321: "AnonymousIdentityToken", 324: "UserNameIdentityToken", 327: "X509IdentityToken", 940: "IssuedIdentityToken",
}

// attributeName is what is added to a node's id where not its value is meant.
func attributeName(attribute int) string {
	const value = 13
	if attribute == value {
		return ""
	}
	names := map[int]string{
		1: "NodeId", 2: "NodeClass", 3: "BrowseName", 4: "DisplayName", 5: "Description", 6: "WriteMask", 12: "EventNotifier",
		14: "DataType", 17: "AccessLevel", 18: "UserAccessLevel", 21: "Executable",
	}
	return "#" + nameOf(names, attribute)
}

// statusNames are the status codes that are met most (part 6, annex A.2),
// without their lower half.
var statusNames = map[int]string{
	0x0000: "Good", 0x8001: "BadUnexpectedError", 0x8002: "BadInternalError", 0x8003: "BadOutOfMemory", 0x8004: "BadResourceUnavailable",
	0x8005: "BadCommunicationError", 0x8006: "BadEncodingError", 0x8007: "BadDecodingError", 0x800a: "BadTimeout", 0x800b: "BadServiceUnsupported",
	0x800c: "BadShutdown", 0x800d: "BadServerNotConnected", 0x800e: "BadServerHalted", 0x800f: "BadNothingToDo", 0x8010: "BadTooManyOperations",
	0x8012: "BadCertificateInvalid", 0x8013: "BadSecurityChecksFailed", 0x801a: "BadCertificateUntrusted", 0x801f: "BadUserAccessDenied",
	0x8020: "BadIdentityTokenInvalid", 0x8021: "BadIdentityTokenRejected", 0x8022: "BadSecureChannelIdInvalid", 0x8025: "BadSessionIdInvalid",
	0x8026: "BadSessionClosed", 0x8027: "BadSessionNotActivated", 0x8028: "BadSubscriptionIdInvalid", 0x8033: "BadNodeIdInvalid",
	0x8034: "BadNodeIdUnknown", 0x8035: "BadAttributeIdInvalid", 0x8036: "BadIndexRangeInvalid", 0x803a: "BadNotReadable", 0x803b: "BadNotWritable",
	0x803c: "BadOutOfRange", 0x803d: "BadNotSupported", 0x803e: "BadNotFound", 0x8054: "BadSecurityModeRejected", 0x8055: "BadSecurityPolicyRejected",
	0x8056: "BadTooManySessions", 0x8074: "BadTypeMismatch", 0x8075: "BadMethodInvalid", 0x8076: "BadArgumentsMissing", 0x8077: "BadTooManySubscriptions",
	0x8078: "BadTooManyPublishRequests", 0x8079: "BadNoSubscription", 0x807d: "BadTcpServerTooBusy", 0x807e: "BadTcpMessageTypeInvalid",
	0x807f: "BadTcpSecureChannelUnknown", 0x8080: "BadTcpMessageTooLarge", 0x8083: "BadTcpEndpointUrlInvalid", 0x80ab: "BadInvalidArgument",
	0x80ac: "BadConnectionRejected", 0x80ad: "BadDisconnect", 0x80ae: "BadConnectionClosed",
}

func statusName(code int) string {
	if s, ok := statusNames[code>>16]; ok {
		return s
	}
	return ics.Code(code, 8)
}
