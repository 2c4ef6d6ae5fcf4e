package demo

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"gatehouse/internal/fault"
	"gatehouse/internal/identity"
)

// Person is somebody whom a visitor of the demo can be.
type Person struct {
	Name     string `json:"name"`
	Email    string `json:"email"`
	Role     string `json:"role"` // operator, editor or contributor
	Password string `json:"password"`
}

// cast are the three people, without passwords. They also wrote a part of the
// samples' history, so that "my drafts" is not empty for any of them.
func cast() []Person {
	return []Person{
		{Name: "Maren Hollis", Email: "maren@millbrook.example", Role: operator},
		{Name: "Tobias Reed", Email: "tobias@millbrook.example", Role: identity.Editor},
		{Name: "Iris Calloway", Email: "iris@millbrook.example", Role: identity.Contributor},
	}
}

const operator = "operator"

// keptFile is demo.json: what is made once and kept.
type keptFile struct {
	Note   string   `json:"note"`
	People []Person `json:"people"`
	// Ports are those that the practice hosts and the pages elsewhere had last,
	// by name.
	Ports map[string]int `json:"ports,omitempty"`
}

// kept reads demo.json, or makes it with fresh passwords.
func kept(file string) (*keptFile, error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return makeKept(file)
	}
	if err != nil {
		return nil, err
	}
	f := &keptFile{}
	if err := json.Unmarshal(data, f); err != nil || len(f.People) != len(cast()) {
		return nil, fault.Wrap(fault.Invalid, errors.Join(err, errors.New("not three people")), "%s cannot be read. Delete the directory %s to begin anew.", file, filepath.Dir(file))
	}
	return f, nil
}

func makeKept(file string) (*keptFile, error) {
	f := &keptFile{Note: "The people of the demo. Whoever changes a password in the console has to remember it.", People: cast()}
	for i := range f.People {
		f.People[i].Password = identity.MakePassword()
	}
	return f, f.save(file)
}

func (f *keptFile) save(file string) error {
	data, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	half := file + ".part"
	if err := os.WriteFile(half, append(data, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(half, file)
}

// AddPeople gives everybody an account, unless they have one.
func (d *Demo) AddPeople(ctx context.Context, accounts *identity.Service) error {
	for _, p := range d.People {
		if _, err := accounts.ByEmail(ctx, p.Email); err == nil {
			continue
		} else if !fault.Is(err, fault.NotFound) {
			return err
		}
		n := identity.NewUser{Email: p.Email, Name: p.Name, Password: p.Password, Operator: p.Role == operator, Roles: map[string][]string{}}
		if !n.Operator {
			n.Roles[journal] = []string{p.Role}
		}
		if p.Role == identity.Editor {
			n.Roles[kitchen] = []string{p.Role}
		}
		if _, err := accounts.Add(ctx, n); err != nil {
			return err
		}
	}
	return nil
}
