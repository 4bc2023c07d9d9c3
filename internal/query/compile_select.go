package query

import (
	"slices"

	"vedette/internal/event"
)

// DefaultSelect is the columns of a row query that selects none: when and in
// which log it was, who with whom, what and with which outcome, and then what
// matters most in the one class asked for. metadata.uid is not among them;
// who cites rows selects it.
func DefaultSelect(classes []string) []string {
	head := []string{"time", "metadata.log_name", "class_uid"}
	peers := []string{"src_endpoint.ip", "dst_endpoint.ip", "dst_endpoint.port"}
	generic := []string{"app_name", "user.name", "activity_name", "status", "message"}
	if len(classes) != 1 {
		return slices.Concat(head, peers, generic)
	}
	class, _ := event.ClassByName(classes[0])
	switch class {
	case event.NetworkActivity:
		return slices.Concat(head, peers, []string{
			"connection_info.protocol_name", "app_name", "connection_info.state", "duration",
			"traffic.bytes_out", "traffic.bytes_in", "ics.function", "ics.write", "activity_name", "status", "message",
		})
	case event.HTTPActivity:
		return slices.Concat(head, peers, []string{
			"http_request.http_method", "http_request.url.hostname", "http_request.url.path",
			"http_request.user_agent", "http_response.code", "status",
		})
	case event.DNSActivity:
		return slices.Concat(head, peers, []string{"query.hostname", "query.type", "rcode", "answers"})
	case event.DHCPActivity:
		return slices.Concat(head, []string{"src_endpoint.mac", "src_endpoint.hostname", "dhcp.message_type", "dhcp.assigned_ip", "dhcp.requested_ip"})
	case event.Authentication, event.SSHActivity:
		return slices.Concat(head, []string{
			"device.hostname", "src_endpoint.ip", "dst_endpoint.ip", "user.name", "actor.user.name",
			"auth_protocol", "activity_name", "status", "status_detail", "message",
		})
	case event.ProcessActivity:
		return slices.Concat(head, []string{"device.hostname", "process.name", "process.cmd_line", "user.name", "actor.user.name", "status", "message"})
	case event.DetectionFinding, event.VulnerabilityFinding, event.ComplianceFinding, event.IncidentFinding:
		return slices.Concat(head, []string{"severity_id", "finding_info.title", "finding_info.category"}, peers, []string{"app_name", "disposition"})
	case event.DeviceInventoryInfo, event.SoftwareInventory, event.DeviceConfigState:
		return slices.Concat(head, []string{"device.ip", "device.mac", "device.hostname", "app_name", "product.name", "product.version", "activity_name", "message"})
	case event.DeviceTelemetry:
		return slices.Concat(head, []string{"device.hostname", "device.ip", "metric.name", "metric.value", "metric.unit"})
	case event.FileActivity, event.NetworkFileActivity, event.SMBActivity, event.FTPActivity:
		return slices.Concat(head, peers, []string{"file.name", "file.mime_type", "file.size", "user.name", "activity_name", "status"})
	case event.EmailActivity:
		return slices.Concat(head, peers, []string{"email.from", "email.to", "email.subject", "status"})
	default:
		return slices.Concat(head, peers, generic)
	}
}
