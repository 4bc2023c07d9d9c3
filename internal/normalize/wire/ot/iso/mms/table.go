package mms

const (
	identify = 2
	read     = 4
	write    = 5
)

// services are the confirmed services (ISO 9506-2, ConfirmedServiceRequest).
var services = map[int]string{
	0: "status", 1: "getNameList", identify: "identify", 3: "rename", read: "read", write: "write", 6: "getVariableAccessAttributes",
	7: "defineNamedVariable", 8: "defineScatteredAccess", 9: "getScatteredAccessAttributes", 10: "deleteVariableAccess",
	11: "defineNamedVariableList", 12: "getNamedVariableListAttributes", 13: "deleteNamedVariableList", 14: "defineNamedType",
	15: "getNamedTypeAttributes", 16: "deleteNamedType", 17: "input", 18: "output", 19: "takeControl", 20: "relinquishControl",
	21: "defineSemaphore", 22: "deleteSemaphore", 23: "reportSemaphoreStatus", 24: "reportPoolSemaphoreStatus", 25: "reportSemaphoreEntryStatus",
	26: "initiateDownloadSequence", 27: "downloadSegment", 28: "terminateDownloadSequence", 29: "initiateUploadSequence", 30: "uploadSegment",
	31: "terminateUploadSequence", 32: "requestDomainDownload", 33: "requestDomainUpload", 34: "loadDomainContent", 35: "storeDomainContent",
	36: "deleteDomain", 37: "getDomainAttributes", 38: "createProgramInvocation", 39: "deleteProgramInvocation", 40: "start", 41: "stop",
	42: "resume", 43: "reset", 44: "kill", 45: "getProgramInvocationAttributes", 46: "obtainFile", 47: "defineEventCondition",
	48: "deleteEventCondition", 49: "getEventConditionAttributes", 50: "reportEventConditionStatus", 51: "alterEventConditionMonitoring",
	52: "triggerEvent", 53: "defineEventAction", 54: "deleteEventAction", 55: "getEventActionAttributes", 56: "reportEventActionStatus",
	57: "defineEventEnrollment", 58: "deleteEventEnrollment", 59: "alterEventEnrollment", 60: "reportEventEnrollmentStatus",
	61: "getEventEnrollmentAttributes", 62: "acknowledgeEventNotification", 63: "getAlarmSummary", 64: "getAlarmEnrollmentSummary",
	65: "readJournal", 66: "writeJournal", 67: "initializeJournal", 68: "reportJournalStatus", 69: "createJournal", 70: "deleteJournal",
	71: "getCapabilityList", 72: "fileOpen", 73: "fileRead", 74: "fileClose", 75: "fileRename", 76: "fileDelete", 77: "fileDirectory",
}

// changes tells whether a service changes the device or the process.
func changes(service int) bool {
	switch service {
	case 3, write, 7, 8, 10, 11, 13, 14, 16, 18, 21, 22, 26, 27, 28, 34, 36, 38, 39, 40, 41, 42, 43, 44, 46, 47, 48, 51, 52, 53, 54, 57, 58, 59, 66, 67, 69, 70, 75, 76:
		return true
	}
	return false
}
