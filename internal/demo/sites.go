package demo

import (
	"log/slog"

	"gatehouse/internal/demo/render"
	"gatehouse/internal/demo/sample"
	"gatehouse/internal/git"
)

// The names of the sample sites, which are also their directories in web/demo.
const (
	journal = "journal"
	kitchen = "kitchen"
	harbour = "harbour"
)

// title is what people call a site.
func title(name string) string {
	switch name {
	case kitchen:
		return "The Rye House"
	case harbour:
		return "Skerry Haven Sailing Club"
	}
	return "Millbrook Meadows"
}

const styleSheet = "/demo/site.css"

// pagesOf says how the pages of a sample site are made from its repository.
func pagesOf(name string, repo *git.Repo, log *slog.Logger) *render.Site {
	if name == harbour {
		return &render.Site{
			Branch: sample.Branch, Theme: harbour, Style: styleSheet, Repo: repo, Log: log,
			Media: "static/images", Public: "/images", Pages: "content/pages", Locales: []string{"en"},
			Sections: []render.Section{{Name: "notices", Title: "On the notice board", Folder: "content/notices", Ext: ".md", Front: 4, Style: "cards-first"}},
		}
	}
	if name == kitchen {
		return &render.Site{
			Base: "/site/kitchen", Branch: sample.Branch, Theme: kitchen, Style: styleSheet, Repo: repo, Log: log,
			Media: "static/images", Public: "/images", Pages: "content/pages", Locales: []string{"en"},
			Sections: []render.Section{{
				Name: "recipes", Title: "Recipes", Folder: "content/recipes", Ext: ".md", Front: 4, Style: "cards-first",
				Facts: []render.Fact{{Field: "makes", Label: "Makes"}, {Field: "minutes", Label: "Minutes"}, {Field: "effort", Label: "Effort"}},
			}},
		}
	}
	return &render.Site{
		Base: "/site", Branch: sample.Branch, Theme: journal, Style: styleSheet, Repo: repo, Log: log,
		Media: "static/uploads", Public: "/uploads", Pages: "content/pages", Nested: true, Locales: []string{"en", "de"},
		Sections: []render.Section{
			{Name: "notices", Title: "Notices", Folder: "content/notices", Ext: ".md", I18n: render.MultipleFolders, Front: 2, Style: "notes"},
			{Name: "posts", Title: "From the journal", Folder: "content/posts", Ext: ".md", Front: 4, Style: "cards-first"},
			{
				Name: "walks", Title: "Guided walks", Folder: "content/walks", Ext: ".yml", I18n: render.SingleFile, Front: 3, Style: "dates", Oldest: true,
				Facts: []render.Fact{{Field: "meet", Label: "Meeting point"}, {Field: "hours", Label: "Hours"}},
			},
			{
				Name: "species", Title: "Who lives here", Folder: "content/species", Ext: ".md", I18n: render.MultipleFiles, Front: 3, Style: "cards",
				Facts: []render.Fact{{Field: "latin", Label: "Latin name"}, {Field: "season", Label: "When to look"}},
			},
		},
	}
}
