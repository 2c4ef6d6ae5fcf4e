package config

// Switch is a true or false whose default is not settled here.
type Switch struct{ set, on bool }

func switchOf(on bool) Switch { return Switch{set: true, on: on} }

// Or is what was written, else standard.
func (s Switch) Or(standard bool) bool {
	if s.set {
		return s.on
	}
	return standard
}
