package cms

import (
	"gatehouse/internal/fault"
)

// Config is what the server reads of a site's config.yml: where content lies
// and how it is written. Keys it does not know are kept for Document.
type Config struct {
	Collections      []*Collection
	MediaFolder      string // without slashes at the ends; empty: the repository's root
	PublicFolder     string
	Workflow         bool // publish_mode: editorial_workflow
	SiteURL          string
	Slug             SlugRules
	I18n             *I18n
	ShowPreviewLinks bool
	Backend          Backend

	root    *node
	library [][]string  // the folders of all collections' media, as patterns
	rest    *Collection // of what no collection has; nil: that is no content
}

// Backend is the part of the backend section that is about commits and drafts.
// Which repository, branch and credential are used is never read from here.
type Backend struct {
	Name, Repo, Branch string // as written, to be compared with the site's own
	LabelPrefix        string // cms_label_prefix; empty: the default
	CommitMessages     map[string]string
	SquashMerges       bool
	SignoffCommits     bool
	PreviewContext     string
}

// SlugRules say which characters a slug keeps.
type SlugRules struct {
	ASCII        bool   // encoding: ascii; else unicode
	CleanAccents bool   // é becomes e
	Replacement  string // for every other character
}

// Structure is how translations are stored.
type Structure string

// The structures.
const (
	SingleFile      Structure = "single_file"
	MultipleFiles   Structure = "multiple_files"
	MultipleFolders Structure = "multiple_folders"
)

// I18n is how a collection or file is translated.
type I18n struct {
	Structure Structure
	Locales   []string
	Default   string
}

// Collection is one collection: a folder of entries, or a list of files.
type Collection struct {
	Name, Label, Singular string
	Folder                string  // of a folder collection, without slashes at the ends
	Files                 []*File // of a file collection
	Extension             string  // of entries, without the dot
	Format                string  // as written; empty: by extension
	Delimiters            []string
	Create, Delete        bool
	Publish, Hide         bool
	Slug, Path, Summary   string
	IdentifierField       string
	Nested                *Nested
	IndexFile             string // meta.path.index_file
	I18n                  *I18n
	Fields                []*Field
	Media                 Folders
	Preview               PreviewRule

	line      int
	pathField *Field           // what meta.path adds to the fields; nil: nothing
	listed    map[string]Place // of a file collection: by path
	boundless bool             // any path may be an entry
}

// File is one file of a file collection. Its name is its slug.
type File struct {
	Name, Label, Path string
	I18n              *I18n
	Fields            []*Field
	Media             Folders
	Preview           PreviewRule
}

// Nested is a collection shown as a tree of folders.
type Nested struct {
	Depth      int
	Subfolders bool // a renamed entry takes its directory along
}

// Field is one field of a collection, file or other field.
type Field struct {
	Name, Widget string
	Media        Folders
	Fields       []*Field // below fields, field or types
}

// Folders are media_folder and public_folder of one level, nil when not given.
type Folders struct{ Media, Public *string }

// PreviewRule says where an entry is seen on the site.
type PreviewRule struct {
	Path, DateField string
	PreserveSlashes *bool
}

// IsFolder reports whether the collection is a folder of entries.
func (c *Collection) IsFolder() bool { return c.Files == nil }

// allFields are the fields that an editor of an entry sees.
func (c *Collection) allFields() []*Field {
	if c.pathField == nil {
		return c.Fields
	}
	return append([]*Field{c.pathField}, c.Fields...)
}

// Collection is the collection of a name, nil when there is none.
func (c *Config) Collection(name string) *Collection {
	for _, x := range c.Collections {
		if x.Name == name {
			return x
		}
	}
	if c.rest != nil {
		return boundless(name)
	}
	return nil
}

// File is the file of a name, nil when there is none.
func (c *Collection) File(name string) *File {
	for _, f := range c.Files {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// Parse reads a config.yml. Its error (fault.Invalid) names every problem with
// its line and what to write instead. Unknown keys are no problem.
func Parse(data []byte) (*Config, error) {
	root, problems := readYAML(data)
	r := &configReader{problems: problems}
	var c *Config
	if root != nil {
		c = r.config(root)
	}
	if len(r.problems) > 0 {
		return nil, r.fault()
	}
	c.library = c.mediaLibrary()
	return c, nil
}

// fault puts all problems into one message, by line.
func (r *configReader) fault() error {
	text := "config.yml cannot be used:"
	if n := len(r.problems); n > 1 {
		text = "config.yml cannot be used, for these reasons:"
	}
	sortProblems(r.problems)
	for _, p := range r.problems {
		text += "\n" + p.Error()
	}
	return fault.New(fault.Invalid, "%s", text)
}
