package main

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
)

// review is as much of an AdmissionReview as is needed here.
type review struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Request    *struct {
		UID    string
		Object struct {
			Kind     string
			Metadata struct {
				Name   string
				Labels map[string]string
			}
			Data map[string]string
			Spec struct {
				Containers []container
				Template   struct {
					Spec struct{ Containers []container }
				}
			}
		}
	} `json:"request,omitempty"`
	Response map[string]any `json:"response,omitempty"`
}

type container struct{ Image string }

// runWebhook serves webhooks. The one at `/change` has images come
// from a mirror, gives each container a variable, and adds a key to a
// ConfigMap's data. The one at `/`
// refuses objects by their label:
//
//	test.instate.dev/refuse: yes     with a message, in which a Secret's values are repeated
//	test.instate.dev/refuse: "500"   the same with another code
//	test.instate.dev/refuse: FIELD   with a message about a field (spec.replicas)
//
// It answers `url` and `authority`, which is in base64.
func runWebhook() error {
	id, err := newIdentity()
	if err != nil {
		return err
	}
	certificate, err := tls.X509KeyPair(id.certificate, id.key)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:   http.HandlerFunc(judge),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}},
		ErrorLog:  log.New(io.Discard, "", 0),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.ServeTLS(listener, "", "") }()
	return serve(failed, func(line string) (string, error) {
		switch line {
		case "url":
			return "https://" + listener.Addr().String() + "/", nil
		case "authority":
			return base64.StdEncoding.EncodeToString(id.authority), nil
		}
		return "", fmt.Errorf("no such command: %s", line)
	})
}

func judge(w http.ResponseWriter, r *http.Request) {
	var asked review
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || asked.Request == nil {
		http.Error(w, "no review", http.StatusBadRequest)
		return
	}
	if r.URL.Path == "/change" {
		answer(w, asked, change(asked))
		return
	}
	object := asked.Request.Object
	field := object.Metadata.Labels["test.instate.dev/refuse"]
	response := map[string]any{"uid": asked.Request.UID, "allowed": field == ""}
	message := fmt.Sprintf("the house rules forbid %s %s", object.Kind, object.Metadata.Name)
	switch field {
	case "":
	case "yes", "500":
		for key, value := range object.Data {
			if plain, err := base64.StdEncoding.DecodeString(value); err == nil {
				message += fmt.Sprintf(": %s is %q, in base64 %s", key, plain, strings.TrimSpace(value))
			}
		}
		code := 403
		if field == "500" {
			code = 500
		}
		response["status"] = map[string]any{"code": code, "message": message}
	default:
		cause := map[string]any{"field": field, "reason": "FieldValueInvalid", "message": "the house has its rules"}
		response["status"] = map[string]any{
			"code": 422, "reason": "Invalid", "message": message, "details": map[string]any{"causes": []any{cause}},
		}
	}
	answer(w, asked, response)
}

// change makes the patch of an injector.
func change(asked review) map[string]any {
	var patch []map[string]any
	add := func(path string, value any) {
		patch = append(patch, map[string]any{"op": "add", "path": path, "value": value})
	}
	spec := asked.Request.Object.Spec
	for path, containers := range map[string][]container{
		"/spec/containers":               spec.Containers,
		"/spec/template/spec/containers": spec.Template.Spec.Containers,
	} {
		for i, one := range containers {
			// Asked again it changes nothing more.
			if !strings.HasPrefix(one.Image, "mirror.example/") {
				add(fmt.Sprintf("%s/%d/image", path, i), "mirror.example/"+one.Image)
				env := []map[string]string{{"name": "INJECTED", "value": "yes"}}
				add(fmt.Sprintf("%s/%d/env", path, i), env)
			}
		}
	}
	if asked.Request.Object.Kind == "ConfigMap" && asked.Request.Object.Data != nil {
		add("/data/injected", "yes")
	}
	response := map[string]any{"uid": asked.Request.UID, "allowed": true}
	if text, err := json.Marshal(patch); err == nil && len(patch) > 0 {
		response["patchType"], response["patch"] = "JSONPatch", text
	}
	return response
}

func answer(w http.ResponseWriter, asked review, response map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	// Whoever does not listen any more is not told.
	_ = json.NewEncoder(w).Encode(review{APIVersion: asked.APIVersion, Kind: asked.Kind, Response: response})
}
