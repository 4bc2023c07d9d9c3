package rest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"vedette/internal/asset"
	"vedette/internal/fault"
)

// tagged is a record with an entity tag (RFC 9110, section 8.8.3). The tag changes
// with what people decide on the record, not with each event that concerns it:
// else nobody could change a device that is talking.
type tagged interface{ tag() string }

func tagOf(parts any) string {
	text, _ := json.Marshal(parts) // texts and lists of them always marshal
	sum := sha256.Sum256(text)
	return `"` + hex.EncodeToString(sum[:12]) + `"`
}

func (v deviceView) tag() string {
	set := map[asset.Key]string{}
	for key, a := range v.Attributes {
		if a.Source == asset.SourceOperator {
			set[key] = a.Value
		}
	}
	return tagOf([]any{v.Device.UID, set, len(v.Changes)})
}

func (v incidentView) tag() string {
	return tagOf([]any{v.UID, v.Status, v.Verdict, len(v.History), len(v.Merges)})
}

// errStale makes a conflict 412.
var errStale = errors.New("the entity tag is another one")

// matchesTag refuses a change of a record that is not any more what the client
// saw. Without If-Match every change is let through.
func matchesTag(r *http.Request, now string) error {
	seen := r.Header.Get("If-Match")
	if seen == "" || seen == "*" {
		return nil
	}
	for one := range strings.SplitSeq(seen, ",") {
		if strings.TrimSpace(one) == now {
			return nil
		}
	}
	return fault.Wrap(fault.Conflict, errStale, "somebody changed it meanwhile").WithHint("look at it again, then decide")
}
