package iec104

// valueKind says how the value of an information object begins.
type valueKind uint8

const (
	none valueKind = iota
	single
	double
	step
	integer8
	integer16
	integer32
	float
)

// objectType is a type of information object: its name, its length without the
// address (-1: it varies), and its value.
type objectType struct {
	name  string
	size  int
	value valueKind
}

// types are those of IEC 60870-5-101 section 7.2.1.1 and 60870-5-104 section 8.
var types = map[int]objectType{
	1: {"M_SP_NA_1", 1, single}, 2: {"M_SP_TA_1", 4, single}, 3: {"M_DP_NA_1", 1, double}, 4: {"M_DP_TA_1", 4, double}, 5: {"M_ST_NA_1", 2, step},
	6: {"M_ST_TA_1", 5, step}, 7: {"M_BO_NA_1", 5, integer32}, 8: {"M_BO_TA_1", 8, integer32}, 9: {"M_ME_NA_1", 3, integer16},
	10: {"M_ME_TA_1", 6, integer16}, 11: {"M_ME_NB_1", 3, integer16}, 12: {"M_ME_TB_1", 6, integer16}, 13: {"M_ME_NC_1", 5, float},
	14: {"M_ME_TC_1", 8, float}, 15: {"M_IT_NA_1", 5, integer32}, 16: {"M_IT_TA_1", 8, integer32}, 17: {"M_EP_TA_1", 6, none},
	18: {"M_EP_TB_1", 7, none}, 19: {"M_EP_TC_1", 7, none}, 20: {"M_PS_NA_1", 5, integer32}, 21: {"M_ME_ND_1", 2, integer16},
	30: {"M_SP_TB_1", 8, single}, 31: {"M_DP_TB_1", 8, double}, 32: {"M_ST_TB_1", 9, step}, 33: {"M_BO_TB_1", 12, integer32},
	34: {"M_ME_TD_1", 10, integer16}, 35: {"M_ME_TE_1", 10, integer16}, 36: {"M_ME_TF_1", 12, float}, 37: {"M_IT_TB_1", 12, integer32},
	38: {"M_EP_TD_1", 10, none}, 39: {"M_EP_TE_1", 11, none}, 40: {"M_EP_TF_1", 11, none}, 45: {"C_SC_NA_1", 1, single}, 46: {"C_DC_NA_1", 1, double},
	47: {"C_RC_NA_1", 1, double}, 48: {"C_SE_NA_1", 3, integer16}, 49: {"C_SE_NB_1", 3, integer16}, 50: {"C_SE_NC_1", 5, float},
	51: {"C_BO_NA_1", 4, integer32}, 58: {"C_SC_TA_1", 8, single}, 59: {"C_DC_TA_1", 8, double}, 60: {"C_RC_TA_1", 8, double},
	61: {"C_SE_TA_1", 10, integer16}, 62: {"C_SE_TB_1", 10, integer16}, 63: {"C_SE_TC_1", 12, float}, 64: {"C_BO_TA_1", 11, integer32},
	70: {"M_EI_NA_1", 1, integer8}, 100: {"C_IC_NA_1", 1, integer8}, 101: {"C_CI_NA_1", 1, integer8}, 102: {"C_RD_NA_1", 0, none},
	103: {"C_CS_NA_1", 7, none}, 104: {"C_TS_NA_1", 2, integer16}, 105: {"C_RP_NA_1", 1, integer8}, 106: {"C_CD_NA_1", 2, integer16},
	107: {"C_TS_TA_1", 9, integer16}, 110: {"P_ME_NA_1", 3, integer16}, 111: {"P_ME_NB_1", 3, integer16}, 112: {"P_ME_NC_1", 5, float},
	113: {"P_AC_NA_1", 1, integer8}, 120: {"F_FR_NA_1", 6, none}, 121: {"F_SR_NA_1", 7, none}, 122: {"F_SC_NA_1", 4, none}, 123: {"F_LS_NA_1", 5, none},
	124: {"F_AF_NA_1", 4, none}, 125: {"F_SG_NA_1", -1, none}, 126: {"F_DR_TA_1", 13, none}, 127: {"F_SC_NB_1", 16, none},
}

// changes tells whether a type is a command or a parameter.
func changes(kind int) bool {
	return kind >= 45 && kind <= 64 || kind == 103 || kind == 105 || kind >= 110 && kind <= 113
}

// causes are the causes of transmission (section 7.2.3).
var causes = map[int]string{
	1: "periodic", 2: "background scan", 3: "spontaneous", 4: "initialized", 5: "request", 6: "activation", 7: "activation confirmation",
	8: "deactivation", 9: "deactivation confirmation", 10: "activation termination", 11: "return remote command", 12: "return local command",
	13: "file transfer", 20: "interrogated by station", 21: "interrogated by group 1", 22: "interrogated by group 2", 23: "interrogated by group 3",
	24: "interrogated by group 4", 25: "interrogated by group 5", 26: "interrogated by group 6", 27: "interrogated by group 7",
	28: "interrogated by group 8", 29: "interrogated by group 9", 30: "interrogated by group 10", 31: "interrogated by group 11",
	32: "interrogated by group 12", 33: "interrogated by group 13", 34: "interrogated by group 14", 35: "interrogated by group 15",
	36: "interrogated by group 16", 37: "requested by general counter", 38: "requested by group 1 counter", 39: "requested by group 2 counter",
	40: "requested by group 3 counter", 41: "requested by group 4 counter", 44: "unknown type", 45: "unknown cause", 46: "unknown common address",
	47: "unknown object address",
}
