package bacnet

// properties are those of BACnetPropertyIdentifier (clause 21) that are met most, by ICSNPP's names.
var properties = map[int]string{
	0: "acked-transition", 1: "ack-required", 2: "action", 3: "action-text", 4: "active-text", 5: "active-vt-session", 6: "alarm-value",
	7: "alarm-values", 8: "all", 9: "all-write-successful", 10: "apdu-segment-timeout", 11: "apdu-timeout", 12: "application-software-version",
	13: "archive", 14: "bias", 15: "change-of-state-count", 16: "change-of-state-time", 17: "notification-class", 19: "controlled-variable-reference",
	20: "controlled-variable-units", 21: "controlled-variable-value", 22: "cov-increment", 23: "datelist", 24: "daylights-savings-status",
	25: "deadband", 26: "derivative-constant", 27: "derivative-constant-units", 28: "description", 29: "description-of-halt",
	30: "device-address-binding", 31: "device-type", 32: "effective-period", 33: "elapsed-active-time", 34: "error-limit", 35: "event-enable",
	36: "event-state", 37: "event-type", 38: "exception-schedule", 39: "fault-values", 40: "feedback-value", 41: "file-access-method", 42: "file-size",
	43: "file-type", 44: "firmware-revision", 45: "high-limit", 46: "inactive-text", 47: "in-progress", 48: "instance-of", 49: "integral-constant",
	50: "integral-constant-units", 51: "issue-confirmed-notifications", 52: "limit-enable", 53: "list-of-group-members",
	54: "list-of-object-property-references", 55: "list-of-session-keys", 56: "local-date", 57: "local-time", 58: "location", 59: "low-limit",
	60: "manipulated-variable-reference", 61: "maximum-output", 62: "max-apdu-length-accepted", 63: "max-info-frames", 64: "max-master",
	65: "max-pres-value", 66: "minimum-off-time", 67: "minimum-on-time", 68: "minimum-output", 69: "min-pres-value", 70: "model-name",
	71: "modification-date", 72: "notify-type", 73: "number-of-APDU-retries", 74: "number-of-states", 75: "object-identifier", 76: "object-list",
	77: "object-name", 78: "object-property-reference", 79: "object-type", 80: "optional", 81: "out-of-service", 82: "output-units",
	83: "event-parameters", 84: "polarity", 85: "present-value", 86: "priority", 87: "priority-array", 88: "priority-for-writing",
	89: "process-identifier", 90: "program-change", 91: "program-location", 92: "program-state", 93: "proportional-constant",
	94: "proportional-constant-units", 95: "protocol-conformance-class", 96: "protocol-object-types-supported", 97: "protocol-services-supported",
	98: "protocol-version", 99: "read-only", 100: "reason-for-halt", 101: "recipient", 102: "recipient-list", 103: "reliability",
	104: "relinquish-default", 105: "required", 106: "resolution", 107: "segmentation-supported", 108: "setpoint", 109: "setpoint-reference",
	110: "state-text", 111: "status-flags", 112: "system-status", 113: "time-delay", 114: "time-of-active-time-reset", 115: "time-of-state-count-reset",
	116: "time-synchronization-recipients", 117: "units", 118: "update-interval", 119: "utc-offset", 120: "vendor-identifier", 121: "vendor-name",
	122: "vt-class-supported", 123: "weekly-schedule", 124: "attempted-samples", 125: "average-value", 126: "buffer-size", 127: "client-cov-increment",
	128: "cov-resubscription-interval", 129: "current-notify-time", 130: "event-time-stamp", 131: "log-buffer", 132: "log-device-object-property",
	133: "enable", 134: "log-interval", 135: "maximum-value", 136: "minimum-value", 137: "notification-threshold", 138: "previous-notify-time",
	139: "protocol-revision", 140: "records-since-notification", 141: "record-count", 142: "start-time", 143: "stop-time", 144: "stop-when-full",
	145: "total-record-count", 146: "valid-samples", 147: "window-interval", 148: "window-samples", 152: "active-cov-subscriptions",
	153: "backup-failure-timeout", 154: "configuration-files", 155: "database-revision", 156: "direct-reading", 157: "last-restore-time",
	158: "maintenance-required", 159: "member-of", 160: "mode", 167: "max-segments-accepted", 168: "profile-name", 174: "schedule-default",
	196: "last-restart-reason", 203: "time-of-device-restart", 209: "structured-object-list", 211: "subordinate-list", 338: "backup-and-restore-state",
	351: "event-message-texts", 371: "property-list", 372: "serial-number",
}

// errorCodes are those of Error.error-code (clause 18).
var errorCodes = map[int]string{
	0: "other", 1: "authentication-failed", 2: "configuration-in-progress", 3: "device-busy", 4: "dynamic-creation-not-supported",
	5: "file-access-denied", 6: "incompatible-security-levels", 7: "inconsistent-parameters", 8: "inconsistent-selection-criterion",
	9: "invalid-data-type", 10: "invalid-file-access-method", 11: "invalid-file-start-position", 12: "invalid-operator-name",
	13: "invalid-parameter-data-type", 14: "invalid-time-stamp", 15: "key-generation-error", 16: "missing-required-parameter",
	17: "no-objects-of-specified-type", 18: "no-space-for-object", 19: "no-space-to-add-list-element", 20: "no-space-to-write-property",
	21: "no-vt-sessions-available", 22: "property-is-not-a-list", 23: "object-deletion-not-permitted", 24: "object-identifier-already-exists",
	25: "operational-problem", 26: "password-failure", 27: "read-access-denied", 28: "security-not-supported", 29: "service-request-denied",
	30: "timeout", 31: "unknown-object", 32: "unknown-property", 34: "unknown-vt-class", 35: "unknown-vt-session", 36: "unsupported-object-type",
	37: "value-out-of-range", 38: "vt-session-already-closed", 39: "vt-session-termination-failure", 40: "write-access-denied",
	41: "character-set-not-supported", 42: "invalid-array-index", 43: "cov-subscription-failed", 44: "not-cov-property",
	45: "optional-functionality-not-supported", 46: "invalid-configuration-data", 47: "datatype-not-supported", 48: "duplicate-name",
	49: "duplicate-object-id", 50: "property-is-not-an-array", 73: "invalid-event-state", 74: "no-alarm-configured", 75: "log-buffer-full",
	76: "logged-value-purged", 77: "no-property-specified", 78: "not-configured-for-triggered-logging", 79: "unknown-subscription",
	80: "parameter-out-of-range", 81: "list-element-not-found", 82: "busy", 83: "communication-disabled", 84: "success", 85: "access-denied",
	110: "not-router-to-dnet", 111: "router-busy", 112: "unknown-network-message", 113: "message-too-long", 114: "security-error",
	115: "addressing-error", 128: "file-full", 129: "inconsistent-configuration", 130: "inconsistent-object-type", 131: "internal-error",
	132: "not-configured", 133: "out-of-memory", 134: "value-too-long",
}

// vendors are well-known numbers of makers, which ASHRAE gives out.
var vendors = map[int]string{
	0: "ASHRAE", 1: "NIST", 2: "The Trane Company", 3: "McQuay International", 4: "PolarSoft", 5: "Johnson Controls Inc.", 6: "American Auto-Matrix",
	7: "Siemens Schweiz AG", 8: "Delta Controls", 9: "Siemens Schweiz AG", 10: "Schneider Electric", 11: "TAC", 12: "Orion Analysis Corporation",
	13: "Teletrol Systems Inc.", 14: "Cimetrics Technology", 15: "Cornell University", 16: "United Technologies Carrier", 17: "Honeywell Inc.",
	18: "Alerton / Honeywell", 19: "TAC AB", 24: "Automated Logic Corporation", 26: "Phoenix Controls Corporation", 28: "KMC Controls Inc.",
	35: "Reliable Controls Corporation", 36: "Tridium Inc.", 37: "Sierra Monitor Corporation", 46: "ESS Engineering", 49: "H I Solutions Inc.",
	53: "DAIKIN Industries Ltd.",
}
