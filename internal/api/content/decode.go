package content

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"unicode/utf8"

	"gatehouse/internal/fault"
)

// request is the envelope of every call.
type request struct {
	Branch string          `json:"branch"`
	Action string          `json:"action"`
	Params json.RawMessage `json:"params"`

	inner struct {
		Branch string `json:"branch"`
	}
}

// branch is the branch that the request means; clients write it twice.
func (r *request) branch() string {
	if r.Branch != "" {
		return r.Branch
	}
	return r.inner.Branch
}

// decode reads an envelope. Keys that nobody knows are ignored: newer clients
// send more than older servers understand.
func decode(body []byte) (request, error) {
	var r request
	if !utf8.Valid(body) {
		return r, fault.New(fault.Invalid, "The request is not UTF-8.")
	}
	if err := unmarshal(body, &r); err != nil {
		return r, err
	}
	if r.Action == "" {
		return r, fault.New(fault.Invalid, "The request names no action.")
	}
	if r.Branch == "" && len(r.Params) > 0 {
		if err := unmarshal(r.Params, &r.inner); err != nil {
			return r, err
		}
	}
	return r, nil
}

// checker is what the parameters of an action are.
type checker interface{ check() error }

// params decodes the parameters of a call and checks them.
func params[T any, P interface {
	*T
	checker
}](c call) (T, error) {
	var v T
	if len(c.params) > 0 {
		if err := unmarshal(c.params, &v); err != nil {
			return v, err
		}
	}
	return v, P(&v).check()
}

// unmarshal is json.Unmarshal with faults that say what to mend.
func unmarshal(data []byte, v any) error {
	err := json.Unmarshal(data, v)
	if err == nil {
		return nil
	}
	var wrongType *json.UnmarshalTypeError
	var known *fault.Error
	switch {
	case errors.As(err, &known):
		return err
	case errors.As(err, &wrongType) && wrongType.Field != "":
		return fault.Wrap(fault.Invalid, err, "%q must not be a JSON %s.", wrongType.Field, wrongType.Value)
	case errors.As(err, &wrongType):
		return fault.Wrap(fault.Invalid, err, "A JSON object is expected, not a JSON %s.", wrongType.Value)
	}
	return fault.Wrap(fault.Invalid, err, "The request is not valid JSON.")
}

// base64Data is bytes that travel as base64.
type base64Data []byte

// UnmarshalJSON decodes straight from the request, without a string between:
// uploads are large.
func (b *base64Data) UnmarshalJSON(raw []byte) error {
	if len(raw) < 2 || raw[0] != '"' {
		return fault.New(fault.Invalid, "The content of a file must be a base64 string.")
	}
	text := raw[1 : len(raw)-1]
	if bytes.IndexByte(text, '\\') >= 0 {
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return err
		}
		text = []byte(s)
	}
	out := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(out, text)
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "The content of a file is not valid base64.")
	}
	*b = out[:n]
	return nil
}

// shorten keeps what a client sent from filling an answer.
func shorten(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
