// Schemas makes kubernetes.txt: what the kinds of several minors of Kubernetes look like, as the program
// `instate` compiles it in. `just schemas` runs it; another minor is one more line in `versions`.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The newest patch of each minor that there was, oldest minor first.
var versions = []string{"1.31.14", "1.32.13", "1.33.13", "1.34.4", "1.35.4", "1.36.3"}

func main() {
	if err := run("kubernetes.txt"); err != nil {
		fmt.Fprintln(os.Stderr, "schemas:", err)
		os.Exit(1)
	}
}

func run(output string) error {
	merged := newMerged(versions)
	for n, version := range versions {
		fmt.Fprintln(os.Stderr, "reading Kubernetes", version)
		api, err := read(version)
		if err != nil {
			return fmt.Errorf("%s: %w", version, err)
		}
		if err := merged.add(n, api); err != nil {
			return fmt.Errorf("%s: %w", version, err)
		}
	}
	text, err := merged.text()
	if err != nil {
		return err
	}
	return os.WriteFile(output, []byte(text), 0o644)
}

// read reads one version of Kubernetes.
func read(version string) (*API, error) {
	module, err := download("k8s.io/kubernetes@v" + version)
	if err != nil {
		return nil, err
	}
	api, err := readSpecs(filepath.Join(module, "api", "openapi-spec", "v3"))
	if err != nil {
		return nil, err
	}
	generated := filepath.Join(module, "pkg", "generated", "openapi", "zz_generated.openapi.go")
	if err := addEnums(api, generated); err != nil {
		return nil, err
	}
	_, staged, _ := strings.Cut(version, ".")
	for _, name := range []string{"api", "apiextensions-apiserver"} {
		folder, err := download("k8s.io/" + name + "@v0." + staged)
		if err != nil {
			return nil, err
		}
		if err := addLifecycles(api, folder); err != nil {
			return nil, err
		}
	}
	return api, nil
}

// download returns the folder of a module, which Go checks against its checksum database.
func download(module string) (string, error) {
	out, err := exec.Command("go", "mod", "download", "-json", module).Output()
	var answer struct{ Dir, Error string }
	if parsed := json.Unmarshal(out, &answer); parsed == nil && answer.Error != "" {
		return "", fmt.Errorf("%s: %s", module, answer.Error)
	}
	if err != nil {
		return "", fmt.Errorf("go mod download %s: %w", module, err)
	}
	return answer.Dir, nil
}
