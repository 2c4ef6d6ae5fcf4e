package cms

import (
	"path"
	"strings"
)

// anywhere is c without bounds: what no collection has belongs to one more, and
// a collection that is not listed may have any path. It is for the laptop, where
// the files are the caller's own and a config.yml may not be there yet; nil is
// none. What Git itself refuses stays refused.
func (c *Config) anywhere() *Config {
	out := &Config{}
	if c != nil {
		*out = *c
	}
	out.rest = boundless("files")
	return out
}

func boundless(name string) *Collection {
	return &Collection{Name: name, Label: name, Singular: name, Create: true, Delete: true, Publish: true, boundless: true}
}

// placeAnywhere takes a path for the entry that its file name says.
func (x *Collection) placeAnywhere(p string) (Place, bool) {
	return Place{Collection: x, Slug: strings.TrimSuffix(path.Base(p), path.Ext(p))}, p != ""
}

// isFreeMedia reports whether a path is media where there are no bounds: all but
// the formats of entries.
func (c *Config) isFreeMedia(p string) bool {
	if c.rest == nil {
		return false
	}
	switch strings.ToLower(path.Ext(p)) {
	case ".md", ".markdown", ".mdx", ".html", ".json", ".toml", ".yaml", ".yml":
		return false
	}
	return true
}
