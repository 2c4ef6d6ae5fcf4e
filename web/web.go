// Package web holds the files that are embedded into the binary: the console's
// templates and styles, our part of the editor's page, and the CMS bundles.
//
// The bundles are fetched by "make build" and never committed; a build without
// them works, and says at admin/ what to run.
package web

import (
	"embed"
	"io/fs"
)

//go:embed console admin broker all:cms
var files embed.FS

// Console is the sign-in and account pages: templates, style sheet, scripts.
func Console() fs.FS { return sub("console") }

// Broker is the pages of the sign-in popup: templates, style sheet, scripts.
func Broker() fs.FS { return sub("broker") }

// Admin is our part of the editor's page: the adapter and its style sheet.
func Admin() fs.FS { return sub("admin") }

// CMS is the CMS bundles, one directory for each: decap-cms-3.16.3/, with
// files that are stored compressed only.
func CMS() fs.FS { return sub("cms") }

func sub(dir string) fs.FS {
	fsys, err := fs.Sub(files, dir)
	if err != nil {
		panic(err) // only a malformed name fails, and ours are above
	}
	return fsys
}
