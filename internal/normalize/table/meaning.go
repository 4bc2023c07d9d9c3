package table

import (
	"strings"

	"vedette/internal/event"
	"vedette/internal/normalize/moment"
	"vedette/internal/normalize/record"
)

// meaning gives the row its class: the mapping's word, else by what it holds.
func (p *parser) meaning() {
	e := &p.e
	class := event.BaseEvent
	switch {
	case e.Has(event.SlotMetricValue) || p.shape == shapeMeasures:
		class = event.DeviceTelemetry
		e.SetActivityName("Measure")
		p.nameMetric()
	case e.Has(event.SlotFindingInfoTitle) && e.Has(event.SlotFindingInfoUID):
		class = event.DetectionFinding
	case e.Has(event.SlotQueryHostname):
		class = event.DNSActivity
	case e.Has(event.SlotHTTPRequestHTTPMethod):
		class = event.HTTPActivity
	case e.Has(event.SlotSrcEndpointIP) && e.Has(event.SlotDstEndpointIP):
		class = event.NetworkActivity
	case e.Has(event.SlotAuthProtocol) && e.Has(event.SlotUserName):
		class = event.Authentication
	}
	e.SetMetadataProduct("table")
	e.SetMetadataLogName("csv/rows")
	if m := p.mapping; m != nil {
		if named, ok := event.ClassByName(m.Class); ok {
			class = named
		}
		if m.LogName != "" {
			e.SetMetadataLogName(m.LogName)
		}
		if m.Product != "" {
			e.SetMetadataProduct(m.Product)
		}
	}
	e.SetClassUID(int64(class))
	record.AddTraffic(e)
}

// nameMetric names what a row measured that says so under another word.
func (p *parser) nameMetric() {
	for _, key := range [...]string{"name", "sensor", "parameter", "variable", "point", "channel", "signal", "measurement"} {
		if p.e.MetricName() != "" {
			return
		}
		p.e.SetMetricName(p.e.Extra(key))
	}
}

// sees tells by the first row what the rows are: measurements if there is a
// time, and most of what has no field is numbers.
func (h *layout) sees(cells []string) shape {
	if h.measures {
		return shapeMeasures
	}
	if h.mapped || h.value {
		return shapeEvents
	}
	timed, numbers, texts, ends := false, 0, 0, 0
	for i := range min(len(cells), len(h.columns)) {
		c := &h.columns[i]
		v := strings.TrimSpace(cells[i])
		_, isNumber := number(v)
		switch {
		case c.isTime:
			timed = timed || !moment.Frame{}.Any(v).IsZero()
		case v == "":
		case c.measure && isNumber:
			numbers++
		case c.measure:
			texts++
		case c.slot == event.SlotSrcEndpointIP || c.slot == event.SlotDstEndpointIP || c.slot == event.SlotUserName || c.slot == event.SlotMessage:
			ends++
		}
	}
	if timed && numbers > 0 && numbers > texts && ends == 0 {
		return shapeMeasures
	}
	return shapeEvents
}
