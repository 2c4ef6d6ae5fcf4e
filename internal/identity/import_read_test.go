package identity

import (
	"strings"
	"testing"

	"gatehouse/internal/fault"
)

func readAll(text string) (list []Exported, err error) {
	err = ReadExport(strings.NewReader(text), func(e Exported) error {
		list = append(list, e)
		return nil
	})
	return list, err
}

func TestReadExport(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want string // addresses
	}{
		"export":              {`{"aud":"","users":[{"id":"1","email":"a@x.org"},{"id":"2","email":"b@x.org"}]}`, "a@x.org b@x.org"},
		"list":                {`[{"email":"a@x.org"}]`, "a@x.org"},
		"pages":               {`{"users":[{"email":"a@x.org"}]}` + "\n" + `{"users":[{"email":"b@x.org"}],"aud":"x"}`, "a@x.org b@x.org"},
		"mark of an editor":   {"\uFEFF" + `[{"email":"a@x.org"}]`, "a@x.org"},
		"nobody":              {`{"users":[]}`, ""},
		"null for nobody":     {`{"users":null}`, ""},
		"other fields around": {`{"meta":{"users":[1,2]},"users":[{"email":"a@x.org","mfa":[{}],"app_metadata":null,"user_metadata":null}]}`, "a@x.org"},
	} {
		t.Run(name, func(t *testing.T) {
			list, err := readAll(c.text)
			check(t, err)
			var got []string
			for n, e := range list {
				if e.Number != n+1 {
					t.Errorf("entry %d has the number %d", n+1, e.Number)
				}
				got = append(got, e.Email)
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("read %v", got)
			}
		})
	}
}

func TestReadExportRefuses(t *testing.T) {
	first := `{"users":[{"id":"1","email":"a@x.org","encrypted_password":"$2a$10$secret"},`
	for name, c := range map[string]struct{ text, says string }{
		"nothing":             {"", "is empty"},
		"spaces":              {" \n", "is empty"},
		"text":                {"hello", "no JSON any more at entry 1"},
		"number":              {"12", "begin with { or ["},
		"refusal":             {`{"code":401,"msg":"Invalid export secret"}`, `no list "users"`},
		"users are an object": {`{"users":{"a":1}}`, "should be a list"},
		"cut":                 {first, "ends in the middle, at entry 2"},
		"cut in an entry":     {first + `{"id":"2"`, "ends in the middle, at entry 2"},
		"cut after a list":    {`{"users":[]`, "ends in the middle"},
		"no object":           {first + `"x"]}`, "Entry 2 is no person"},
		"null":                {first + `null]}`, "Entry 2 is no person"},
		"wrong address":       {first + `{"email":7}]}`, `Entry 2: "email" should be text, and is a number`},
		"wrong roles":         {first + `{"app_metadata":{"roles":"admin"}}]}`, `Entry 2: "app_metadata.roles" should be a list, and is text`},
		"wrong data":          {first + `{"user_metadata":[1]}]}`, `Entry 2: "user_metadata" should be an object, and is a list`},
		"wrong time":          {first + `{"confirmed_at":"yesterday"}]}`, "Entry 2 has a time"},
		"wrong kind of time":  {first + `{"confirmed_at":12}]}`, "Entry 2"},
		"no JSON":             {first + `{"id":"2",}]}`, "no JSON any more at entry 2"},
		"huge text":           {first + `{"email":"` + strings.Repeat("x", 2<<20) + `"}]}`, "Entry 2 is larger than"},
		"huge text around":    {`{"x":"` + strings.Repeat("x", 2<<20) + `","users":[]}`, "is larger than"},
		"huge name":           {`{"` + strings.Repeat("x", 2<<20) + `":1}`, "is larger than"},
		"deep":                {first + `{"user_metadata":` + strings.Repeat(`{"a":`, 100) + `1` + strings.Repeat(`}`, 100) + `}]}`, "Entry 2 is nested"},
		"abyss":               {first + strings.Repeat("[", 1<<19), "entry 2"},
		"endless spaces":      {first + strings.Repeat(" ", 2<<20), "Entry "},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := readAll(c.text)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("the error is %v, want one that says %q", err, c.says)
			}
			if !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.TooLarge) {
				t.Errorf("its kind is %v", fault.KindOf(err))
			}
			if err != nil && (strings.Contains(err.Error(), "secret\"") || len(err.Error()) > 300) {
				t.Errorf("the error repeats the file: %v", err)
			}
		})
	}
}

func FuzzReadExport(f *testing.F) {
	for _, seed := range []string{
		`{"aud":"","users":[{"id":"1","email":"a@x.org","encrypted_password":"$2a$10$x","app_metadata":{"roles":["admin"]},"user_metadata":{"full_name":"A"},"confirmed_at":"2024-01-01T00:00:00Z"}]}`,
		`[{"email":"a"},{"email":"\u0000"}]`, `{"users":[[[[`, `{"users":null}{"users":[]}`, "\uFEFF[]", `{"users":[{"user_metadata":{"a":"\\\""}}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		n := 0
		err := ReadExport(strings.NewReader(string(data)), func(e Exported) error {
			n++
			if e.Number != n {
				t.Errorf("entry %d has the number %d", n, e.Number)
			}
			return nil
		})
		if err != nil && (!fault.Is(err, fault.Invalid) && !fault.Is(err, fault.TooLarge) || len(err.Error()) > 400) {
			t.Errorf("the error is %v", err)
		}
	})
}
