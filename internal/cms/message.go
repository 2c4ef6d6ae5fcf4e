package cms

import (
	"fmt"
	"regexp"
)

// The keys of backend.commit_messages.
const (
	msgCreate      = "create"
	msgUpdate      = "update"
	msgDelete      = "delete"
	msgUpload      = "uploadMedia"
	msgDeleteMedia = "deleteMedia"
)

// messageFields are what a commit message template may name.
type messageFields struct {
	Collection *Collection
	Slug, Path string
	Caller     Caller
}

var messageVariable = regexp.MustCompile(`\{\{([^}]+)\}\}`)

// message writes a commit message by the site's template. Clients send their
// own; this is for those that send none, and for what the server does itself.
func (c *Config) message(key string, f messageFields) string {
	template := c.Backend.CommitMessages[key]
	if template == "" {
		template = defaultMessage(key)
	}
	text := messageVariable.ReplaceAllStringFunc(template, func(v string) string {
		switch v[2 : len(v)-2] {
		case "slug":
			return f.Slug
		case "path":
			return f.Path
		case "collection":
			return f.Collection.singular()
		case "author-login", "author-email":
			return f.Caller.Email
		case "author-name":
			return f.Caller.Name
		}
		return ""
	})
	if c.Backend.SignoffCommits && f.Caller.Name != "" && f.Caller.Email != "" {
		text += fmt.Sprintf("\n\nSigned-off-by: %s <%s>\n", f.Caller.Name, f.Caller.Email)
	}
	return text
}

func defaultMessage(key string) string {
	switch key {
	case msgCreate:
		return "Create {{collection}} “{{slug}}”"
	case msgUpdate:
		return "Update {{collection}} “{{slug}}”"
	case msgDelete:
		return "Delete {{collection}} “{{slug}}”"
	case msgUpload:
		return "Upload “{{path}}”"
	case msgDeleteMedia:
		return "Delete “{{path}}”"
	}
	return ""
}

func (x *Collection) singular() string {
	switch {
	case x == nil:
		return ""
	case x.Singular != "":
		return x.Singular
	}
	return x.Label
}
