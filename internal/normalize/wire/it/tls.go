package it

import (
	"crypto/x509"
	"strconv"
	"strings"

	"vedette/internal/event"
	"vedette/internal/normalize/wire/proto"
)

// maxHandshake bounds the handshake messages of one side in bytes.
const maxHandshake = 48 << 10

// tls decodes the open part of the handshakes of RFC 8446 and RFC 5246: one
// event a connection, when the rest becomes encrypted or the flow ends.
type tls struct {
	f      *proto.Flow
	hands  [2][]byte // handshake messages, across records
	closed [2]bool   // the side speaks in cipher now
	client *clientHello
	server *serverHello
	cert   *x509.Certificate
	alert  string
	told   bool
	raw    []byte
}

func newTLS(f *proto.Flow) proto.Decoder { return &tls{f: f} }

// The content types of records.
const (
	recordCipher = 20
	recordAlert  = 21
	recordHand   = 22
	recordData   = 23
)

func probeTLS(data []byte, s proto.Side, _ bool) int {
	if len(data) < 6 || data[0] != recordHand || data[1] != 3 || data[2] > 4 || int(data[3])<<8|int(data[4]) > 1<<14+2048 {
		return 0
	}
	if s == proto.Client && data[5] == 1 || s == proto.Server && data[5] == 2 || data[5] == 1 {
		return 95
	}
	return 0
}

// Decode implements [proto.Decoder].
func (d *tls) Decode(p proto.Payload, out proto.Out) (int, error) {
	if p.Lost > 0 { // records cannot be found again, and what follows is mostly cipher
		d.closed[p.Side&1] = true
	}
	taken := 0
	for !d.told && !d.closed[p.Side&1] {
		rest := p.Data[taken:]
		if len(rest) < 5 {
			break
		}
		n := 5 + int(rest[3])<<8 + int(rest[4])
		if rest[0] < recordCipher || rest[0] > 24 || rest[1] != 3 || n > 5+1<<14+2048 {
			return taken, notThis("no TLS record")
		}
		if len(rest) < n {
			break
		}
		if d.raw == nil {
			d.raw = append([]byte(nil), rest[:min(n, 512)]...)
		}
		if err := d.record(p.Side&1, rest[0], rest[5:n]); err != nil {
			return taken, err
		}
		taken += n
	}
	if d.told || d.closed[p.Side&1] {
		taken = len(p.Data)
	}
	if !d.told && (d.closed[proto.Server] || d.alert != "" || p.End) {
		d.tell(out)
	}
	return taken, nil
}

func (d *tls) record(s proto.Side, kind byte, b []byte) error {
	switch kind {
	case recordHand:
		if len(d.hands[s])+len(b) > maxHandshake {
			d.closed[s] = true
			return nil
		}
		d.hands[s] = append(d.hands[s], b...)
		return d.handshake(s)
	case recordAlert:
		if len(b) == 2 {
			d.alert = named(tlsAlerts, int(b[1]), "alert ")
		}
	case recordCipher:
		if d.server == nil || d.server.version != 0x304 { // there it is for middle boxes only (RFC 8446, appendix D.4)
			d.closed[s] = true
		}
	case recordData:
		d.closed[s] = true
	}
	return nil
}

// handshake takes the messages that are complete.
func (d *tls) handshake(s proto.Side) error {
	for len(d.hands[s]) >= 4 {
		c := cursor{b: d.hands[s]}
		kind := c.u8()
		n := c.u24()
		if n > maxHandshake {
			return notThis("a handshake message that is too long")
		}
		if len(c.b) < n {
			return nil
		}
		body := c.take(n)
		switch kind {
		case 1:
			if d.client == nil {
				d.client = parseClientHello(body)
			}
		case 2:
			if d.server == nil {
				d.server = parseServerHello(body)
			}
		case 11:
			d.certificate(body)
		case 14: // the server has said all that it says in the open
			d.closed[s] = true
		}
		d.hands[s] = d.hands[s][4+n:]
	}
	return nil
}

// certificate reads the first certificate of a chain, the server's own.
func (d *tls) certificate(b []byte) {
	c := cursor{b: b}
	c.u24()
	if own := c.counted(3); !c.short && d.cert == nil {
		d.cert, _ = x509.ParseCertificate(own) // what cannot be read is not told
	}
}

func (d *tls) tell(out proto.Out) {
	d.told = true
	d.hands = [2][]byte{}
	if d.client == nil && d.server == nil && d.cert == nil {
		return
	}
	e := out.New(event.NetworkActivity)
	e.SetActivityName("Handshake")
	if h := d.client; h != nil {
		e.SetTLSSNI(h.sni)
		e.SetTLSJa3Hash(h.ja3())
		e.SetTLSJa4(h.ja4('t'))
		e.SetExtra("tls.client_alpns", strings.Join(h.alpn, ","))
	}
	if h := d.server; h != nil {
		e.SetTLSVersion(named(tlsVersions, h.version, "0x"+strconv.FormatInt(int64(h.version), 16)+" "))
		e.SetTLSCipher(cipherName(h.cipher))
		e.SetTLSJa3sHash(h.ja3s())
		e.SetStatus(event.Success)
	}
	if c := d.cert; c != nil {
		e.SetTLSCertificateSubject(text([]byte(c.Subject.String())))
		e.SetTLSCertificateIssuer(text([]byte(c.Issuer.String())))
		e.SetTLSCertificateSerial(strings.ToUpper(c.SerialNumber.Text(16)))
		e.SetTLSCertificateExpires(c.NotAfter)
	}
	if d.alert != "" {
		e.SetStatus(event.Failure)
		e.SetStatusDetail(d.alert)
	}
	out.Emit(e, d.raw)
}

var tlsAlerts = map[int]string{
	0: "close notify", 10: "unexpected message", 20: "bad record mac", 22: "record overflow", 40: "handshake failure", 42: "bad certificate",
	43: "unsupported certificate", 44: "certificate revoked", 45: "certificate expired", 46: "certificate unknown", 47: "illegal parameter",
	48: "unknown ca", 49: "access denied", 50: "decode error", 51: "decrypt error", 70: "protocol version", 71: "insufficient security",
	80: "internal error", 86: "inappropriate fallback", 90: "user canceled", 109: "missing extension", 110: "unsupported extension",
	112: "unrecognized name", 113: "bad certificate status response", 115: "unknown psk identity", 116: "certificate required", 120: "no application protocol",
}

// tlsVersions are worded as Suricata has them.
var tlsVersions = map[int]string{0x300: "SSLv3", 0x301: "TLS 1.0", 0x302: "TLS 1.1", 0x303: "TLS 1.2", 0x304: "TLS 1.3"}
