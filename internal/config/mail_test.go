package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMailSettings(t *testing.T) {
	dir := workspace(t)
	if err := os.WriteFile(filepath.Join(dir, "smtp.txt"), []byte("smtps://ann:hunter2@mail.example.org\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := parseIn(dir, `
mail: {from: The Blog <cms@example.org>, smtp_file: smtp.txt, templates: .}
sites:
  - {name: blog, backend: {repo: blog.git}, mail: {sender: Olga, logo: "https://blog.example/logo.png", language: de-AT}}
`, noEnv)
	if err != nil {
		t.Fatal(err)
	}
	if c.Mail.SMTP.Reveal() != "smtps://ann:hunter2@mail.example.org" || c.Mail.Templates != dir || c.Sites[0].Mail.Language != "de-AT" {
		t.Errorf("%+v %+v", c.Mail, c.Sites[0].Mail)
	}
	c, err = parseIn(dir, "mail: {from: cms@example.org}\nsites: [{name: blog, backend: {repo: blog.git}}]\n", func(name string) (string, bool) {
		return "smtp://127.0.0.1:25", name == "GATEHOUSE_MAIL_SMTP"
	})
	if err != nil || c.Mail.SMTP.Reveal() != "smtp://127.0.0.1:25" {
		t.Errorf("from the environment: %v", err)
	}
}

func TestMailSettingsThatAreWrong(t *testing.T) {
	dir := workspace(t)
	if err := os.WriteFile(filepath.Join(dir, "ca.pem"), []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		mail string
		says []string
	}{
		"sender":        {"from: cms at example.org", []string{"line 2: mail.from", "cms@example.org"}},
		"two lines":     {`from: "a@example.org\r\nBcc: b@example.org"`, []string{"line 2: mail.from"}},
		"no sender":     {"smtp: smtp://mail.example.org", []string{"line 1: mail.from: with smtp there has to be a sender"}},
		"no URL":        {"from: a@example.org\n  smtp: mail.example.org:hunter2", []string{"line 3: mail.smtp", "smtp://user:password@mail.example.org:587"}},
		"in the clear":  {"from: a@example.org\n  smtp: smtp://ann:hunter2@mail.example.org?tls=none", []string{"in the clear"}},
		"no directory":  {"templates: nowhere", []string{"line 2: mail.templates: there is no directory", "nowhere"}},
		"no file":       {"ca: nowhere", []string{"line 2: mail.ca: the file cannot be read"}},
		"no authority":  {"ca: ca.pem", []string{"no certificate (PEM)"}},
		"misspelt":      {"smpt: x", []string{"there are: ca, from, smtp, templates"}},
		"site's":        {"from: a@example.org\nsites:\n  - {name: blog, backend: {repo: blog.git}, mail: {logo: logo.png, language: klingonese}}", []string{"line 4: sites[0].mail.logo", "https://", "line 4: sites[0].mail.language"}},
		"site's sender": {"from: a@example.org\nsites:\n  - {name: blog, backend: {repo: blog.git}, mail: {sender: \"a\\nb\"}}", []string{"line 4: sites[0].mail.sender"}},
	} {
		text := "mail:\n  " + c.mail + "\n"
		if !strings.Contains(text, "sites:") {
			text += "sites: [{name: blog, backend: {repo: blog.git}}]\n"
		}
		_, err := parseIn(dir, text, noEnv)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		for _, phrase := range c.says {
			if !strings.Contains(err.Error(), phrase) {
				t.Errorf("%s: the report does not say %q:\n%v", name, phrase, err)
			}
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the report shows a secret:\n%v", name, err)
		}
	}
}
