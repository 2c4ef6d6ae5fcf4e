package api

import (
	"path"
	"slices"
	"strconv"
	"strings"
)

// accepts reads an Accept-Encoding header; coding "" is identity, which is
// welcome unless it is ruled out.
func accepts(header, coding string) bool {
	fallback := coding == ""
	if coding == "" {
		coding = "identity"
	}
	for part := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(part, ";")
		name = strings.ToLower(strings.TrimSpace(name))
		if name != coding && name != "*" {
			continue
		}
		yes := !zeroQuality(params)
		if name == coding {
			return yes
		}
		fallback = yes
	}
	return fallback
}

func zeroQuality(params string) bool {
	_, q, found := strings.Cut(strings.ReplaceAll(params, " ", ""), "q=")
	if !found {
		return false
	}
	value, err := strconv.ParseFloat(q, 64)
	return err == nil && value == 0
}

// matches reads an If-None-Match header.
func matches(header, etag string) bool {
	if header == "*" {
		return true
	}
	return slices.ContainsFunc(strings.Split(header, ","), func(t string) bool {
		return strings.TrimPrefix(strings.TrimSpace(t), "W/") == etag
	})
}

// contentTypes are ours and not the machine's: mime.TypeByExtension answers
// differently from one system to the next, and a script or a wasm module with
// the wrong type does not run.
var contentTypes = map[string]string{
	".css":   "text/css; charset=utf-8",
	".gif":   "image/gif",
	".html":  "text/html; charset=utf-8",
	".ico":   "image/x-icon",
	".jpg":   "image/jpeg",
	".js":    "text/javascript; charset=utf-8",
	".json":  "application/json; charset=utf-8",
	".map":   "application/json; charset=utf-8",
	".mjs":   "text/javascript; charset=utf-8",
	".png":   "image/png",
	".svg":   "image/svg+xml",
	".txt":   "text/plain; charset=utf-8",
	".wasm":  "application/wasm",
	".webp":  "image/webp",
	".woff":  "font/woff",
	".woff2": "font/woff2",
	".yaml":  "text/yaml; charset=utf-8",
	".yml":   "text/yaml; charset=utf-8",
}

func contentType(name string) string {
	if t, ok := contentTypes[strings.ToLower(path.Ext(name))]; ok {
		return t
	}
	return "application/octet-stream"
}
