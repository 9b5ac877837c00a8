// Reads YAML as Kubernetes does and answers what became of it: the other side
// of tests/promises/reading.
//
// In: texts, each a line with its length in bytes and then the bytes. Out: for
// each text a line of JSON, the answers for its parts, as kubectl cuts it.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"sigs.k8s.io/yaml"
	goyaml "sigs.k8s.io/yaml/goyaml.v2"
)

type answer struct {
	// The JSON as Kubernetes gets it, exactly.
	JSON string `json:"json"`
	// Why it is not read.
	Error string `json:"error"`
	// Why it is not read where nothing may stand twice.
	Strict string `json:"strict"`
	// Whether something stands behind the document that was read.
	More bool `json:"more"`
}

func main() {
	in := bufio.NewReader(os.Stdin)
	out := bufio.NewWriter(os.Stdout)
	for {
		var length int
		if _, err := fmt.Fscanf(in, "%d\n", &length); err != nil {
			break
		}
		text := make([]byte, length)
		if _, err := io.ReadFull(in, text); err != nil {
			panic(err)
		}
		line, err := json.Marshal(read(text))
		if err != nil {
			panic(err)
		}
		out.Write(append(line, '\n'))
		out.Flush()
	}
}

func read(text []byte) []answer {
	answers := []answer{}
	parts, err := split(text)
	for _, part := range parts {
		answers = append(answers, one(part))
	}
	if err != nil {
		answers = append(answers, answer{Error: err.Error()})
	}
	return answers
}

func one(part []byte) (found answer) {
	// The library gives up by panicking in places.
	defer func() {
		if reason := recover(); reason != nil {
			found = answer{Error: fmt.Sprint("panic: ", reason)}
		}
	}()
	read, err := yaml.YAMLToJSON(part)
	if err != nil {
		return answer{Error: err.Error()}
	}
	found.JSON = plain(read)
	if _, err := yaml.YAMLToJSONStrict(part); err != nil {
		found.Strict = err.Error()
	}
	decoder := goyaml.NewDecoder(bytes.NewReader(part))
	var first, second any
	_ = decoder.Decode(&first)
	found.More = decoder.Decode(&second) != io.EOF
	return found
}

// JSON's -0 is 0 to Kubernetes, whose numbers are whole where they can be.
func plain(read []byte) string {
	var value any
	decoder := json.NewDecoder(bytes.NewReader(read))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		panic(err)
	}
	written, err := json.Marshal(zero(value))
	if err != nil {
		panic(err)
	}
	return string(written)
}

func zero(value any) any {
	switch value := value.(type) {
	case json.Number:
		if value == "-0" {
			return json.Number("0")
		}
	case []any:
		for at := range value {
			value[at] = zero(value[at])
		}
	case map[string]any:
		for key := range value {
			value[key] = zero(value[key])
		}
	}
	return value
}

// As YAMLReader of k8s.io/apimachinery does it: lines end with a line feed, a
// return before it is not theirs, and `---` begins a line, with nothing but
// blanks and a comment behind it.
func split(text []byte) ([][]byte, error) {
	var parts [][]byte
	var part bytes.Buffer
	for len(text) > 0 {
		line, rest, ended := bytes.Cut(text, []byte("\n"))
		text = rest
		if ended {
			line = bytes.TrimSuffix(line, []byte("\r"))
		}
		if bytes.HasPrefix(line, []byte("---")) {
			rest := strings.TrimSpace(string(line[3:]))
			if rest != "" && rest[0] != '#' {
				return parts, fmt.Errorf("invalid Yaml document separator: %s", rest)
			}
			if part.Len() != 0 {
				parts = append(parts, bytes.Clone(part.Bytes()))
				part.Reset()
				continue
			}
		}
		part.Write(line)
		part.WriteByte('\n')
	}
	if part.Len() != 0 {
		parts = append(parts, part.Bytes())
	}
	return parts, nil
}
