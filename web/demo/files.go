// Package demo holds what the demo shows: the content of three sample sites and
// the pages around them. All texts and pictures are our own.
package demo

import "embed"

// Files are the sample sites (a directory each, with history.yml), the pages
// and their styles.
//
//go:embed all:journal all:kitchen all:harbour pages
var Files embed.FS
