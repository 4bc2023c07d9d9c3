package demo

// Policy is what the plant's people allow between its zones, in the form of
// docs/policy.md. Its ordinary days keep to it; its incidents do not.
func (p *Plant) Policy() []byte {
	return []byte(`# The demo plant's zones and conduits (IEC 62443).
mode: alert
default: deny
conduits:
  - name: services
    from: [Process Cell, Facility, Medical]
    to: Enterprise
    allow:
      - {protocols: udp, ports: [53, 67, 123]}
      - {apps: [dns, dhcp, ntp]}
  - name: engineering
    from: Enterprise
    to: Process Cell
    read_only: true
    allow:
      - {apps: modbus}
  - name: updates and mail
    from: [Enterprise, Medical]
    to: internet
    allow:
      - {protocols: tcp, ports: 443}
  - name: telemetry
    from: Process Cell
    to: internet
    allow:
      - {protocols: tcp, ports: 8883}
  - name: remote support
    from: internet
    to: Enterprise
    allow:
      - {protocols: tcp, ports: 22}
      - {apps: ssh}
`)
}
