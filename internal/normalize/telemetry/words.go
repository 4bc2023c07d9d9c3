package telemetry

import "strings"

// role is what a key means.
type role uint8

const (
	roleNone   role = iota // a reading if it is a number, else an attribute
	roleDevice             // names the sender
	roleIP
	roleMAC
	roleTime
	roleName  // names what was measured
	roleValue // is what was measured
	roleUnit
	roleAttribute // never a reading, whatever it holds
)

// roles are the usual keys, as [plainKey] makes them.
var roles = map[string]role{
	"device": roleDevice, "deviceid": roleDevice, "devicename": roleDevice, "devid": roleDevice, "dev": roleDevice, "thing": roleDevice, "thingname": roleDevice,
	"thingid": roleDevice, "sensorid": roleDevice, "nodeid": roleDevice, "node": roleDevice, "host": roleDevice, "hostname": roleDevice, "machine": roleDevice,
	"machineid": roleDevice, "asset": roleDevice, "assetid": roleDevice, "equipment": roleDevice, "equipmentid": roleDevice, "plc": roleDevice, "meter": roleDevice,
	"meterid": roleDevice, "station": roleDevice, "stationid": roleDevice, "deveui": roleDevice, "unitid": roleDevice, "clientid": roleDevice, "source": roleDevice,
	"ip": roleIP, "ipaddress": roleIP, "ipaddr": roleIP, "deviceip": roleIP, "hostip": roleIP, "ipv4": roleIP,
	"mac": roleMAC, "macaddress": roleMAC, "macaddr": roleMAC, "devicemac": roleMAC,
	"ts": roleTime, "time": roleTime, "timestamp": roleTime, "datetime": roleTime, "date": roleTime, "eventtime": roleTime, "measuredat": roleTime, "createdat": roleTime,
	"sampledat": roleTime, "observedat": roleTime, "recordedat": roleTime, "receivedat": roleTime, "utc": roleTime, "epoch": roleTime, "timestampms": roleTime,
	"tsms": roleTime, "timems": roleTime, "timestampns": roleTime, "timens": roleTime, "timestampus": roleTime, "unixtime": roleTime, "sourcetimestamp": roleTime,
	"servertimestamp": roleTime, "phenomenontime": roleTime, "resulttime": roleTime, "readtime": roleTime, "sampletime": roleTime, "t": roleTime,
	"name": roleName, "metric": roleName, "metricname": roleName, "measurement": roleName, "parameter": roleName, "param": roleName, "sensor": roleName,
	"signal": roleName, "channel": roleName, "tagname": roleName, "variable": roleName, "point": roleName, "pointname": roleName, "key": roleName, "quantity": roleName,
	"field": roleName, "property": roleName, "n": roleName, "datapoint": roleName, "measure": roleName, "observation": roleName, "sensorname": roleName, "sensortype": roleName,
	"value": roleValue, "val": roleValue, "v": roleValue, "reading": roleValue, "currentvalue": roleValue, "result": roleValue,
	"unit": roleUnit, "units": roleUnit, "u": roleUnit, "uom": roleUnit, "unitofmeasure": roleUnit, "unitofmeasurement": roleUnit, "engunit": roleUnit, "metricunit": roleUnit,
	"id": roleAttribute, "uuid": roleAttribute, "seq": roleAttribute, "sequence": roleAttribute, "seqno": roleAttribute, "messageid": roleAttribute, "msgid": roleAttribute,
	"qos": roleAttribute, "retain": roleAttribute, "dup": roleAttribute, "version": roleAttribute, "fw": roleAttribute, "firmware": roleAttribute, "serial": roleAttribute,
	"serialnumber": roleAttribute, "port": roleAttribute, "fport": roleAttribute, "schema": roleAttribute, "quality": roleAttribute, "status": roleAttribute,
	"timezone": roleAttribute, "model": roleAttribute, "type": roleAttribute, "topic": roleAttribute, "counter": roleNone, "fcnt": roleAttribute,
}

// wrappers are objects that only hold the readings; their names say nothing.
var wrappers = map[string]bool{
	"payload": true, "d": true, "data": true, "values": true, "measurements": true, "readings": true, "telemetry": true, "metrics": true, "fields": true,
	"sensors": true, "state": true, "reported": true, "body": true, "message": true, "msg": true, "properties": true, "measures": true, "points": true,
	"samples": true, "observations": true, "object": true, "uplinkmessage": true, "decodedpayload": true, "records": true, "channels": true, "e": true,
}

// attributeHolders are objects that describe and do not measure.
var attributeHolders = map[string]bool{
	"tags": true, "labels": true, "meta": true, "metadata": true, "attributes": true, "info": true, "context": true, "header": true, "headers": true, "annotations": true,
	"enddeviceids": true, "rxmetadata": true, "txinfo": true, "rxinfo": true, "settings": true, "units": true,
}

// deviceHolders are objects that describe the sender.
var deviceHolders = map[string]bool{"device": true, "dev": true, "thing": true, "asset": true, "machine": true, "host": true, "node": true, "enddeviceids": true, "deviceinfo": true}

// logWords are keys of logs of programs and of networks, which hold numbers
// too but are no telemetry.
var logWords = map[string]bool{
	"level": true, "loglevel": true, "logger": true, "severity": true, "eventid": true, "event_type": true, "_path": true, "id.orig_h": true, "src_ip": true,
	"srcip": true, "dst_ip": true, "dest_ip": true, "classuid": true, "class_uid": true, "winlog.event_id": true, "channelname": true, "requesturi": true, "useragent": true, "pid": true,
	"event.system.eventid": true, "providername": true, "sourcename": true, "facility": true, "remoteaddr": true, "sip": true, "dip": true, "rule": true, "alert": true,
	"protocol": true, "proto": true,
}

// plainKey is a key without case and marks.
func plainKey(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r == '_' || r == '-' || r == ' ' || r == '@' || r == '$':
			return -1
		}
		return r
	}, s)
}
