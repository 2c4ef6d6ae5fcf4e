package cms

import (
	"path"
	"slices"
	"strings"
)

// anyPart stands in a folder pattern for what a template's variable may become: a
// part of one path segment.
const anyPart = "\x00"

// maxFolder bounds a media folder's name, in bytes: templates that name the
// folder above twice would double it at each level.
const maxFolder = 1000

// isMedia reports whether a path may hold a media file: below the site's media
// folder or one of a collection's, and no entry. Hidden files never are.
func (c *Config) isMedia(p string) bool {
	if c.isFreeMedia(p) {
		return true
	}
	if !c.mediaName(p) {
		return false
	}
	return inFolder(c.MediaFolder, p) || matchesFolder(c.library, p)
}

// mediaLibrary are the media folders of all collections, wherever their entries
// are.
func (c *Config) mediaLibrary() [][]string {
	var out []string
	for _, x := range c.Collections {
		for _, dir := range x.entryDirs() {
			out = append(out, c.mediaPatterns(x, nil, dir)...)
		}
		for _, f := range x.Files {
			out = append(out, c.mediaPatterns(x, f, path.Dir(f.Path))...)
		}
	}
	slices.Sort(out)
	return splitPatterns(slices.Compact(out))
}

func splitPatterns(patterns []string) [][]string {
	out := make([][]string, len(patterns))
	for i, p := range patterns {
		out[i] = strings.Split(p, "/")
	}
	return out
}

// isMediaOf reports whether a path may hold a media file of one entry.
func (c *Config) isMediaOf(at Place, entry, p string) bool {
	if c.isFreeMedia(p) {
		return true
	}
	if !c.mediaName(p) {
		return false
	}
	return inFolder(c.MediaFolder, p) || matchesFolder(splitPatterns(c.mediaPatterns(at.Collection, at.File, path.Dir(entry))), p)
}

func (c *Config) mediaName(p string) bool {
	for part := range strings.SplitSeq(p, "/") {
		if strings.HasPrefix(part, ".") || part == "" {
			return false
		}
	}
	_, entry := c.Owner(p)
	return !entry
}

// inFolder reports whether p lies below a literal folder; in the repository's
// root only files directly in it count.
func inFolder(folder, p string) bool {
	if folder == "" {
		return !strings.Contains(p, "/")
	}
	return strings.HasPrefix(p, folder+"/")
}

// entryDirs are the directories that entries of a folder collection may have,
// as patterns: one for each depth.
func (x *Collection) entryDirs() []string {
	if !x.IsFolder() {
		return nil
	}
	levels := x.depth() - 1
	if x.Nested != nil {
		levels = min(x.Nested.Depth, 12)
	}
	if x.I18n != nil && x.I18n.Structure == MultipleFolders {
		levels++
	}
	dirs := []string{x.Folder}
	for range levels {
		dirs = append(dirs, path.Join(dirs[len(dirs)-1], anyPart))
	}
	return dirs
}

// mediaPatterns are the folders that media_folder names for a collection's
// entry in dir (itself a pattern), at the level of the collection, of the file
// and of every field. A folder that begins with a slash counts from the
// repository's root, any other from the entry's directory.
func (c *Config) mediaPatterns(x *Collection, f *File, dir string) []string {
	var out []string
	current := c.MediaFolder
	rel, _ := below(x.Folder, dir)
	step := func(own *string) {
		if own == nil {
			return
		}
		current = folderPattern(*own, current, rel)
		folder := path.Clean("/" + current)
		if !strings.HasPrefix(current, "/") {
			folder = joinInside(dir, current)
		}
		out = append(out, strings.Trim(folder, "/"))
	}
	media := x.Media.Media
	if media == nil && x.Path != "" {
		// An entry in a directory of its own keeps its media beside it.
		media = new(string)
	}
	step(media)
	fields := x.Fields
	if f != nil {
		step(f.Media.Media)
		fields = f.Fields
	}
	base := current
	eachField(fields, nil, func(above []*Field, field *Field) {
		if field.Media.Media == nil {
			return
		}
		current = base
		for _, a := range above {
			if a.Media.Media != nil {
				current = folderPattern(*a.Media.Media, current, rel)
			}
		}
		step(field.Media.Media)
	})
	slices.Sort(out)
	return slices.DeleteFunc(slices.Compact(out), func(s string) bool { return s == "" || s == "//" })
}

// eachField visits all fields, each with those that contain it.
func eachField(fields, above []*Field, visit func(above []*Field, f *Field)) {
	for _, f := range fields {
		visit(above, f)
		eachField(f.Fields, append(slices.Clip(above), f), visit)
	}
}

// folderPattern fills in a folder template: {{media_folder}} is the level above,
// {{dirname}} the entry's directory below its folder, the rest may be anything.
// One that is too long counts as the level above.
func folderPattern(text, above, dirname string) string {
	if len(text) > maxFolder {
		return above
	}
	text = strings.ReplaceAll(text, anyPart, "")
	out := templateVariable.ReplaceAllStringFunc(text, func(v string) string {
		m := templateVariable.FindStringSubmatch(v)
		switch m[1] {
		case "media_folder", "public_folder":
			return above
		case "dirname":
			return dirname
		}
		return anyPart
	})
	if len(out) > maxFolder {
		return above
	}
	return out
}

// joinInside joins as path.Join, empty when the result leaves the repository.
func joinInside(dir, rel string) string {
	joined := path.Join(dir, rel)
	if joined == ".." || strings.HasPrefix(joined, "../") || joined == "." {
		return ""
	}
	return joined
}

func matchesFolder(patterns [][]string, p string) bool {
	segments := strings.Split(path.Dir(p), "/")
	return slices.ContainsFunc(patterns, func(pattern []string) bool { return matchSegments(pattern, segments) })
}

// matchSegments reports whether the segments lie in the pattern's folder or
// below it.
func matchSegments(pattern, segments []string) bool {
	switch {
	case len(pattern) == 0:
		return true
	case len(segments) == 0:
		return false
	case !matchSegment(pattern[0], segments[0]):
		return false
	}
	return matchSegments(pattern[1:], segments[1:])
}

func matchSegment(pattern, s string) bool {
	parts := strings.Split(pattern, anyPart)
	if len(parts) == 1 {
		return pattern == s
	}
	rest, ok := strings.CutPrefix(s, parts[0])
	if !ok {
		return false
	}
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(rest, part)
		if i < 0 {
			return false
		}
		rest = rest[i+len(part):]
	}
	return strings.HasSuffix(rest, parts[len(parts)-1])
}
