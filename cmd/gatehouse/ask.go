package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// asker asks on a terminal.
type asker struct {
	in     *bufio.Reader
	out    io.Writer
	silent bool
}

// ask returns the answer, or fallback for an empty one.
func (a *asker) ask(question, fallback string) (string, error) {
	if a.silent {
		return fallback, nil
	}
	if _, err := fmt.Fprintf(a.out, "%s [%s]: ", question, fallback); err != nil {
		return "", err
	}
	line, err := a.in.ReadString('\n')
	if errors.Is(err, io.EOF) && line == "" {
		return "", usage("The questions got no answer. Use --yes to take the defaults.")
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if line = strings.TrimSpace(line); line == "" {
		return fallback, nil
	}
	return line, nil
}
