package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"

	"go.yaml.in/yaml/v4"
)

// maxFile bounds the file; a real one has a few kilobytes.
const maxFile = 1 << 20

// Find says which file to read: the one named on the command line, else
// $GATEHOUSE_CONFIG, else gatehouse.yaml in the working directory.
func Find(flag string) string {
	if flag != "" {
		return flag
	}
	if name := os.Getenv("GATEHOUSE_CONFIG"); name != "" {
		return name
	}
	return "gatehouse.yaml"
}

// Load reads and checks a file. The error is an *Error with every problem when
// the file could be read at all.
func Load(name string) (*Config, error) {
	file, err := filepath.Abs(name)
	if err != nil {
		return nil, err
	}
	data, err := readAll(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("there is no %s: write one with 'gatehouse init', or name yours with --config", name)
	}
	if err != nil {
		return nil, err
	}
	return parse(data, file, os.LookupEnv)
}

func readAll(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // opened for reading
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("%s is larger than 1 MB: this is not a configuration", file)
	}
	return data, err
}

func parse(data []byte, file string, env func(string) (string, bool)) (*Config, error) {
	d := &decoder{report: &report{lines: map[string]int{}}, dir: filepath.Dir(file), env: env}
	c := Default()
	c.File = file
	root, err := document(data)
	if err != nil {
		d.add("", "this is not YAML: %v", err)
		return nil, d.err(file)
	}
	v := reflect.ValueOf(c).Elem()
	if root != nil {
		d.value(root, v, "")
	}
	d.environment(v, "", "")
	d.check(c)
	if err := d.err(file); err != nil {
		return nil, err
	}
	return c, nil
}

// document is the content of the file's one document; nil for an empty file.
func document(data []byte) (*yaml.Node, error) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var n yaml.Node
	if err := dec.Decode(&n); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	if err := dec.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more than one document in it (a line ---)")
	}
	if n.Kind == yaml.DocumentNode && len(n.Content) > 0 {
		return n.Content[0], nil
	}
	return nil, nil
}
