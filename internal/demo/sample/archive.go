package sample

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// archive adds generated posts, older than everything else: one commit for each
// year that they are about, as if they came over from a former website. The
// same day and number always give the same posts.
func (b *builder) archive(s *stream, when time.Time) {
	if b.entries <= 0 {
		return
	}
	who, err := b.signature("jonas", when)
	if err != nil {
		return
	}
	var paths []string
	year := 0
	flush := func() {
		if len(paths) > 0 {
			who.When = who.When.Add(3 * time.Minute)
			b.extend(s, who, fmt.Sprintf("Bring over the journal of %d", year), paths)
		}
		paths = nil
	}
	last := when.AddDate(0, 0, -1)
	first := last.AddDate(-8, 0, 0)
	gap := last.Sub(first) / time.Duration(b.entries)
	for i := range b.entries {
		day := first.Add(gap * time.Duration(i))
		if day.Year() != year {
			flush()
			year = day.Year()
		}
		slug, text := observation(i, day)
		at := "content/posts/" + day.Format(time.DateOnly) + "-" + slug + ".md"
		b.files[at] = text
		paths = append(paths, at)
	}
	flush()
}

// animal is what an observation is about; the picture is one of the sample's.
type animal struct{ one, many, image, alt, tag string }

// observation writes the i-th generated post.
func observation(i int, day time.Time) (slug, text string) {
	r := rand.New(rand.NewPCG(uint64(i), 20)) //nolint:gosec // G404: made-up text, the same every time
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	a := animals()[r.IntN(len(animals()))]
	place := pick("by the weir", "at the alder bend", "on the low field", "behind the hut", "along the mill ditch", "under the railway bridge", "in the reed bed", "at the north gate")
	count := 2 + r.IntN(60)
	title := pick(
		fmt.Sprintf("%d %s %s", count, a.many, place),
		fmt.Sprintf("A %s %s", a.one, place),
		fmt.Sprintf("%s %s, and what they did", upper(a.many), place),
		fmt.Sprintf("Where the %s went", a.many),
		fmt.Sprintf("Notes on the %s %s", a.many, place),
	)
	author := pick("Maren Hollis", "Tobias Reed", "Jonas Whitlock", "Priya Nair")
	var body strings.Builder
	fmt.Fprintf(&body, "%s %s we saw %d %s %s. %s\n\n", pick("On a still morning", "Between two showers", "At dusk", "In the fog", "With the wind from the east", "After a night of rain"),
		pick("from the boardwalk", "from the hide", "on the way to the school group", "while we mended the fence"), count, a.many, place,
		pick("They were in no hurry.", "They had seen us long before.", "Nobody spoke for a while.", "One of them looked back.", "It was over in a minute."))
	for range 1 + r.IntN(3) {
		body.WriteString(paragraph(pick, a))
	}
	fmt.Fprintf(&body, "| Time | %s |\n| --- | ---: |\n", upper(a.many))
	for hour := 6 + r.IntN(3); hour < 12; hour += 1 + r.IntN(3) {
		fmt.Fprintf(&body, "| %02d:00 | %d |\n", hour, r.IntN(count+1))
	}
	text = fmt.Sprintf("---\ntitle: %q\ndate: %s\nauthor: %s\nimage: /uploads/%s\nalt: %s\ntags: [%s, notebook]\n---\n%s",
		title, day.UTC().Format(stamp), author, a.image, a.alt, a.tag, body.String())
	return fmt.Sprintf("%s-%d", strings.Join(strings.FieldsFunc(strings.ToLower(title), notPlain), "-"), i+1), text
}

func paragraph(pick func(...string) string, a animal) string {
	return pick("Last year at this time there were", "The old notebooks speak of", "A neighbour remembers", "The warden expected") + " " +
		pick("fewer", "twice as many", "none at all", "about the same number") + ", " +
		pick("but the winter was mild", "and the water stood higher then", "though nobody counted as carefully", "which fits what the anglers say") + ". " +
		pick("The ditch has been left alone since the autumn, and it shows.", "The grass is later than usual.", "The alders have come on well.", "The bank is soft again where the flood broke it.") + " " +
		fmt.Sprintf(pick("If you see a %s, write it in the book beside the stove.", "A %s needs quiet more than anything: please keep to the boardwalk.", "Whoever meets a %s with a ring on its leg, please read the number and tell us.", "We shall look for the %s again next week."), a.one) + "\n\n"
}

func animals() []animal {
	return []animal{
		{"heron", "herons", "heron.jpg", "A grey heron in the mist", "birds"},
		{"lapwing", "lapwings", "river-at-dawn.jpg", "The river at dawn", "birds"},
		{"snipe", "snipe", "boardwalk.jpg", "The boardwalk through the reeds", "birds"},
		{"kingfisher", "kingfishers", "kingfisher.jpg", "A kingfisher on a branch", "birds"},
		{"reed warbler", "reed warblers", "boardwalk.jpg", "The boardwalk through the reeds", "birds"},
		{"toad", "toads", "frog-pond.jpg", "A frog among lily pads", "amphibians"},
		{"newt", "newts", "frog-pond.jpg", "A frog among lily pads", "amphibians"},
		{"dragonfly", "dragonflies", "meadow-in-june.jpg", "The meadow in June", "insects"},
		{"bumblebee", "bumblebees", "meadow-in-june.jpg", "The meadow in June", "insects"},
		{"hare", "hares", "old-oak.jpg", "The old oak in autumn", "mammals"},
		{"bat", "bats", "night-on-the-marsh.jpg", "Night over the marsh", "mammals"},
		{"greylag goose", "greylag geese", "winter-geese.jpg", "Geese above a snowy field", "birds"},
	}
}

func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func notPlain(c rune) bool { return (c < 'a' || c > 'z') && (c < '0' || c > '9') }
