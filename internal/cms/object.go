package cms

import (
	"bytes"
	"encoding/json"
	"slices"
)

// Object is a JSON object that keeps the order of its keys, since a map in
// config.yml is shown to editors in the order in which it was written.
type Object struct {
	keys []string
	vals map[string]any
}

// NewObject makes an empty object.
func NewObject() *Object { return &Object{vals: map[string]any{}} }

// Keys are the keys in order.
func (o *Object) Keys() []string { return slices.Clone(o.keys) }

// Get is the value of a key, nil when there is none.
func (o *Object) Get(key string) any { return o.vals[key] }

// Has reports whether there is such a key, whatever its value.
func (o *Object) Has(key string) bool {
	_, ok := o.vals[key]
	return ok
}

// Set gives a key a value. A new key comes last.
func (o *Object) Set(key string, v any) {
	if !o.Has(key) {
		o.keys = append(o.keys, key)
	}
	o.vals[key] = v
}

// Delete removes a key.
func (o *Object) Delete(key string) {
	if o.Has(key) {
		delete(o.vals, key)
		o.keys = slices.DeleteFunc(o.keys, func(k string) bool { return k == key })
	}
}

// fill sets a key that is not there yet.
func (o *Object) fill(key string, v any) {
	if !o.Has(key) {
		o.Set(key, v)
	}
}

// setAll sets all keys of another object.
func (o *Object) setAll(from *Object) {
	for _, k := range from.keys {
		o.Set(k, from.vals[k])
	}
}

// MarshalJSON writes the keys in order.
func (o *Object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, k := range o.keys {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := json.Marshal(k)
		if err != nil {
			return nil, err
		}
		val, err := json.Marshal(o.vals[k])
		if err != nil {
			return nil, err
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(val)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// plainValue is n as JSON-able values of its own: *Object, []any and scalars.
func plainValue(n *node) any {
	switch {
	case n == nil:
		return nil
	case n.isMap():
		o := NewObject()
		for _, k := range n.keys {
			o.Set(k, plainValue(n.vals[k]))
		}
		return o
	case n.isList():
		list := make([]any, 0, len(n.items))
		for _, item := range n.items {
			list = append(list, plainValue(item))
		}
		return list
	}
	return n.value
}
