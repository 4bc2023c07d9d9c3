package ocsf

import (
	"vedette/internal/event"
	"vedette/internal/normalize/record"
)

// renamed are the attributes of OCSF that the schema has under another path.
var renamed = map[string]event.Slot{
	"metadata.product.name": event.SlotMetadataProduct, "metadata.event_code": event.SlotMetadataEventCode,
	"device.ip": event.SlotDeviceIP, "device.mac": event.SlotDeviceMAC, "device.hostname": event.SlotDeviceHostname,
	"process.parent_process.cmd_line": event.SlotProcessParentCmdLine, "process.parent_process.file.path": event.SlotProcessParentFilePath,
	"actor.process.name": event.SlotProcessName, "actor.process.pid": event.SlotProcessPid, "actor.process.cmd_line": event.SlotProcessCmdLine,
	"actor.process.file.path": event.SlotProcessFilePath, "user.name": event.SlotUserName, "actor.user.name": event.SlotActorUserName,
	"http_request.url.url_string": event.SlotHTTPRequestURLPath, "connection_info.community_uid": event.SlotConnectionInfoCommunityUID,
	"src_endpoint.vlan_uid": event.SlotConnectionInfoVLAN, "finding.title": event.SlotFindingInfoTitle, "finding.uid": event.SlotFindingInfoUID,
	"finding_info.types": event.SlotFindingInfoCategory, "finding_info.product_uid": record.NoSlot, "email.subject": event.SlotEmailSubject,
	"package.name": event.SlotProductName, "package.version": event.SlotProductVersion, "product.name": event.SlotProductName, "service.name": event.SlotAppName,
	"device.hw_info.vendor_name": event.SlotIdentityVendor, "device.vendor_name": event.SlotIdentityVendor, "device.model": event.SlotIdentityModel,
	"device.os.name": event.SlotIdentityOs, "device.hw_info.serial_number": event.SlotIdentitySerial, "device.type": event.SlotIdentityType,
	"device.name": event.SlotIdentityName, "ja4_fingerprint": event.SlotTLSJa4,
}

// ours are fields that say what became of the record here; what an event says
// under these names is kept as its own.
var ours = []event.Slot{
	event.SlotTime, event.SlotMetadataUID, event.SlotMetadataLogName, event.SlotMetadataSource, event.SlotMetadataClockSuspect, event.SlotRaw,
	event.SlotLabelConfidentiality, event.SlotLabelIntegrity, event.SlotDeviceUID, event.SlotSrcEndpointUID, event.SlotDstEndpointUID,
	event.SlotAnomalyScore, event.SlotAnomalyReasons,
}

// newPaths are the attributes that have a meaning: the schema's own names, which
// are those of OCSF, and the above.
func newPaths() map[string]path {
	out := make(map[string]path)
	for _, f := range event.Fields() {
		if f.Stored() {
			out[f.Name] = path{slot: f.Slot}
		}
	}
	for _, slot := range ours {
		out[event.FieldOf(slot).Name] = path{slot: record.NoSlot}
	}
	for name, slot := range renamed {
		out[name] = path{slot: slot}
	}
	for name, h := range map[string]handler{
		"time": setTime, "time_dt": setTime, "class_uid": setClass, "severity_id": setSeverity, "duration": setDuration, "status_id": setStatus,
	} {
		out[name] = path{handle: h}
	}
	return out
}
