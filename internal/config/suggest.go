package config

import (
	"fmt"
	"slices"
	"strings"
)

// suggest names the key that was probably meant, or all that there are.
func suggest(key string, fields map[string]int) string {
	var keys []string
	for k := range fields {
		if distance(strings.ToLower(key), k) <= max(1, len(k)/3) {
			return fmt.Sprintf("; did you mean %s?", k)
		}
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return "; there are: " + strings.Join(keys, ", ")
}

// distance counts the letters to insert, remove or replace between a and b.
func distance(a, b string) int {
	if len(a) > 64 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
