package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Lifecycle is when a kind in a version is on its way out; 0 is never.
type Lifecycle struct {
	deprecated, removed int
	replacement         ID
}

// What no generated code says: kinds that went before the oldest version that is read, and whose types are gone,
// too; and one that is only said in a warning of the server.
var said = map[ID]Lifecycle{
	{"apiextensions.k8s.io/v1beta1", "CustomResourceDefinition"}: {16, 22, ID{"apiextensions.k8s.io/v1", "CustomResourceDefinition"}},
	{"apiregistration.k8s.io/v1beta1", "APIService"}:             {19, 22, ID{"apiregistration.k8s.io/v1", "APIService"}},
	{"autoscaling/v2beta1", "HorizontalPodAutoscaler"}:           {22, 25, ID{"autoscaling/v2", "HorizontalPodAutoscaler"}},
	{"autoscaling/v2beta2", "HorizontalPodAutoscaler"}:           {23, 26, ID{"autoscaling/v2", "HorizontalPodAutoscaler"}},
	{"batch/v2alpha1", "CronJob"}:                                {8, 21, ID{"batch/v1", "CronJob"}},
	{"v1", "Endpoints"}:                                          {33, 0, ID{"discovery.k8s.io/v1", "EndpointSlice"}},
	{"extensions/v1beta1", "PodSecurityPolicy"}:                  {11, 16, ID{}},
	{"networking.k8s.io/v1alpha1", "ClusterCIDR"}:                {28, 29, ID{}},
	{"policy/v1beta1", "PodSecurityPolicy"}:                      {21, 25, ID{}},
	{"rbac.authorization.k8s.io/v1alpha1", "ClusterRole"}:        {17, 22, ID{"rbac.authorization.k8s.io/v1", "ClusterRole"}},
	{"rbac.authorization.k8s.io/v1alpha1", "ClusterRoleBinding"}: {17, 22, ID{"rbac.authorization.k8s.io/v1", "ClusterRoleBinding"}},
	{"rbac.authorization.k8s.io/v1alpha1", "Role"}:               {17, 22, ID{"rbac.authorization.k8s.io/v1", "Role"}},
	{"rbac.authorization.k8s.io/v1alpha1", "RoleBinding"}:        {17, 22, ID{"rbac.authorization.k8s.io/v1", "RoleBinding"}},
	{"scheduling.k8s.io/v1alpha1", "PriorityClass"}:              {14, 22, ID{"scheduling.k8s.io/v1", "PriorityClass"}},
	{"settings.k8s.io/v1alpha1", "PodPreset"}:                    {19, 20, ID{}},
	{"storage.k8s.io/v1alpha1", "VolumeAttachment"}:              {21, 24, ID{"storage.k8s.io/v1", "VolumeAttachment"}},
}

// addLifecycles reads what Go code generated from `+k8s:prerelease-lifecycle-gen` says, below a folder.
func addLifecycles(api *API, folder string) error {
	return filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.Name() != "zz_generated.prerelease-lifecycle.go" {
			return err
		}
		group, err := groupOf(filepath.Dir(path))
		if err != nil {
			return err
		}
		apiVersion := filepath.Base(filepath.Dir(path))
		if group != "" {
			apiVersion = group + "/" + apiVersion
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, declaration := range parsed.Decls {
			if method, is := declaration.(*ast.FuncDecl); is {
				if err := api.addLifecycle(apiVersion, method); err != nil {
					return fmt.Errorf("%s: %w", path, err)
				}
			}
		}
		return nil
	})
}

// groupOf reads `const GroupName = "apps"`; it stands in the folder of the version or in the one above.
func groupOf(folder string) (string, error) {
	for _, folder := range []string{folder, filepath.Dir(folder)} {
		text, err := os.ReadFile(filepath.Join(folder, "register.go"))
		if err != nil {
			continue
		}
		if _, rest, found := strings.Cut(string(text), "const GroupName = "); found {
			line, _, _ := strings.Cut(rest, "\n")
			return strconv.Unquote(strings.TrimSpace(line))
		}
	}
	return "", fmt.Errorf("%s has no GroupName", folder)
}

func (api *API) addLifecycle(apiVersion string, method *ast.FuncDecl) error {
	receiver, is := method.Recv.List[0].Type.(*ast.StarExpr)
	if !is {
		return fmt.Errorf("%s has another receiver than a pointer", method.Name.Name)
	}
	id := ID{apiVersion, receiver.X.(*ast.Ident).Name}
	returned := method.Body.List[0].(*ast.ReturnStmt).Results
	life := api.lifecycles[id]
	var err error
	switch method.Name.Name {
	case "APILifecycleIntroduced":
	case "APILifecycleDeprecated":
		life.deprecated, err = strconv.Atoi(returned[1].(*ast.BasicLit).Value)
	case "APILifecycleRemoved":
		life.removed, err = strconv.Atoi(returned[1].(*ast.BasicLit).Value)
	case "APILifecycleReplacement":
		part := func(name string) string {
			text, is := fieldOf(returned[0], name).(*ast.BasicLit)
			if !is {
				return ""
			}
			return strings.Trim(text.Value, `"`)
		}
		life.replacement = groupVersionKind{part("Group"), part("Version"), part("Kind")}.id()
	default:
		err = fmt.Errorf("%s is not known", method.Name.Name)
	}
	api.lifecycles[id] = life
	return err
}
