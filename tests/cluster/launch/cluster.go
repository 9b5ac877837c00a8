package main

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// patience is how long anything may take, on a machine that is busy as well.
const patience = 90 * time.Second

// What clients are not told about: the cluster's own requests.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- level: None
  users: [system:apiserver, system:kube-controller-manager, system:kube-scheduler, kwok]
# Only the body of a deletion tells whether it is a dry run.
- level: Request
  verbs: [delete, deletecollection]
- level: Metadata
`

// What every container has written: kwok needs times, and files.
const podLogs = `2026-11-22T10:00:00.0Z stdout F starting
2026-11-22T10:00:01.0Z stderr F cannot reach the database: connection refused
`

const previousPodLogs = `2026-11-22T09:59:00.0Z stdout F starting
2026-11-22T09:59:01.0Z stderr F panic: no DATABASE_URL
`

// Of a container with the name `tells` it is what a client has put into told.log.
const kwokConfig = `apiVersion: kwok.x-k8s.io/v1alpha1
kind: ClusterLogs
metadata: {name: every-container}
spec:
  logs:
  - {logsFile: %[1]s/pod.log, previousLogsFile: %[1]s/pod-previous.log}
  - {containers: [tells], logsFile: %[1]s/told.log, previousLogsFile: %[1]s/told.log}
`

const node = `{"apiVersion": "v1", "kind": "Node",
	"metadata": {"name": %[1]q, "labels": {"kubernetes.io/hostname": %[1]q, "kubernetes.io/os": "linux"}},
	"status": {"allocatable": {"cpu": "64", "memory": "256Gi", "pods": "1000"},
		"capacity": {"cpu": "64", "memory": "256Gi", "pods": "1000"}}}`

var nodes = []string{"node-1", "node-2"}

const apiserver = "kube-apiserver"

var clients = []string{"kube-controller-manager", "kube-scheduler", "kwok"}

type child struct {
	command *exec.Cmd
	done    chan struct{}
	// Whether its end was asked for.
	ended atomic.Bool
}

type cluster struct {
	dir, server, etcd string
	// Of the user `harness`, which is this program.
	token     string
	client    *http.Client
	children  map[string]*child
	arguments map[string][]string
	failed    chan error
}

func up(dir string, audit bool) error {
	c := &cluster{dir: dir, children: map[string]*child{}, failed: make(chan error, 8)}
	// Nothing of the cluster survives this process in any case; this order is the quickest.
	defer func() {
		c.stop(apiserver)
		for name := range c.children {
			c.stop(name)
		}
	}()
	signals := interrupts()
	ready := make(chan error, 1)
	if err := c.prepare(audit); err != nil {
		return err
	}
	for _, name := range []string{"etcd", apiserver} {
		if err := c.start(name); err != nil {
			return err
		}
	}
	go func() { ready <- c.await("/readyz", ok) }()
	if err := c.either(ready, signals); err != nil {
		return err
	}
	for _, name := range clients {
		if err := c.start(name); err != nil {
			return err
		}
	}
	go func() { ready <- c.populate() }()
	if err := c.either(ready, signals); err != nil {
		return err
	}
	return serve(c.failed, c.do)
}

// either waits, unless somebody wants the end or a program of the cluster has ended.
func (c *cluster) either(ready <-chan error, signals <-chan os.Signal) error {
	select {
	case err := <-ready:
		return err
	case err := <-c.failed:
		return err
	case <-signals:
		return fmt.Errorf("interrupted")
	}
}

func (c *cluster) do(line string) (string, error) {
	if name, found := strings.CutPrefix(line, "create namespace "); found {
		return "ok", c.createNamespace(name)
	}
	if name, found := strings.CutPrefix(line, "delete namespace "); found {
		_, _, err := c.request("DELETE", "/api/v1/namespaces/"+name, "")
		return "ok", err
	}
	if rest, found := strings.CutPrefix(line, "store "); found {
		key, value, _ := strings.Cut(rest, " ")
		return "ok", c.store(key, value)
	}
	switch line {
	case "stop apiserver":
		// Who asks in vain meanwhile would ask again only after up to a minute.
		c.signal(syscall.SIGSTOP, clients...)
		c.stop(apiserver)
		return "ok", nil
	case "start apiserver":
		c.stop(apiserver)
		if err := c.start(apiserver); err != nil {
			return "", err
		}
		err := c.await("/readyz", ok)
		c.signal(syscall.SIGCONT, clients...)
		return "ok", err
	case "pause apiserver":
		c.signal(syscall.SIGSTOP, apiserver)
		return "ok", nil
	case "continue apiserver":
		c.signal(syscall.SIGCONT, apiserver)
		return "ok", nil
	case "flush":
		return "ok", c.flush()
	}
	return "", fmt.Errorf("no such command: %s", line)
}

// prepare writes what the programs read, and decides how they are called.
func (c *cluster) prepare(audit bool) (err error) {
	if c.dir, err = filepath.Abs(c.dir); err != nil {
		return err
	}
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return err
	}
	id, err := newIdentity()
	if err != nil {
		return err
	}
	ports, err := freePorts(3)
	if err != nil {
		return err
	}
	c.server, c.token = fmt.Sprintf("https://127.0.0.1:%d", ports[0]), rand.Text()
	admin := rand.Text()
	c.etcd = fmt.Sprintf("http://127.0.0.1:%d", ports[1])
	etcd, kubelet := c.etcd, fmt.Sprint(ports[2])
	controllers, scheduler, kwok := rand.Text(), rand.Text(), rand.Text()
	files := map[string][]byte{
		"ca.crt":                 id.authority,
		"server.crt":             id.certificate,
		"server.key":             id.key,
		"kubeconfig":             kubeconfig(c.server, id.authority, admin),
		"controllers.kubeconfig": kubeconfig(c.server, id.authority, controllers),
		"scheduler.kubeconfig":   kubeconfig(c.server, id.authority, scheduler),
		"kwok.kubeconfig":        kubeconfig(c.server, id.authority, kwok),
		"tokens.csv": fmt.Appendf(nil, "%s,harness,0,system:masters\n%s,admin,1,system:masters\n"+
			"%s,system:kube-controller-manager,2,system:masters\n%s,system:kube-scheduler,3,system:masters\n"+
			"%s,kwok,4,system:masters\n", c.token, admin, controllers, scheduler, kwok),
		"audit.yaml":       []byte(auditPolicy),
		"kwok.yaml":        fmt.Appendf(nil, kwokConfig, c.dir),
		"pod.log":          []byte(podLogs),
		"pod-previous.log": []byte(previousPodLogs),
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(c.dir, name), content, 0o600); err != nil {
			return err
		}
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(id.authority)
	c.client = &http.Client{
		Timeout:   5 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true},
	}
	file := func(name string) string { return filepath.Join(c.dir, name) }
	serve := []string{
		"--etcd-servers=" + etcd, "--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", ports[0]),
		"--tls-cert-file=" + file("server.crt"), "--tls-private-key-file=" + file("server.key"),
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file=" + file("server.key"),
		"--service-account-signing-key-file=" + file("server.key"), "--token-auth-file=" + file("tokens.csv"),
		"--authorization-mode=RBAC", "--allow-privileged=true", "--service-cluster-ip-range=10.0.0.0/16",
		// Nobody in a Pod asks the Service `kubernetes`, whose endpoint may not be on the loopback interface.
		"--endpoint-reconciler-type=none", "--profiling=false", "--shutdown-delay-duration=0s",
	}
	if audit {
		serve = append(serve, "--audit-policy-file="+file("audit.yaml"), "--audit-log-path="+file("audit.log"),
			// Megabytes; a new file would spoil the positions that clients keep.
			"--audit-log-maxsize=100000")
	}
	config := []string{"--config=" + file("kwok.yaml")}
	found, err := filepath.Glob(filepath.Join(binaries(), "stages", "*.yaml"))
	if err != nil {
		return err
	}
	for _, path := range found {
		config = append(config, "--config="+path)
	}
	c.arguments = map[string][]string{
		"etcd": {
			"--data-dir=" + file("etcd"), "--unsafe-no-fsync", "--log-level=warn", "--listen-client-urls=" + etcd,
			"--advertise-client-urls=" + etcd, "--listen-peer-urls=http://127.0.0.1:0",
		},
		apiserver: serve,
		"kube-controller-manager": {
			"--kubeconfig=" + file("controllers.kubeconfig"), "--leader-elect=false", "--secure-port=0",
			"--root-ca-file=" + file("ca.crt"), "--service-account-private-key-file=" + file("server.key"),
			"--kube-api-qps=1000", "--kube-api-burst=2000", "--concurrent-deployment-syncs=16",
			"--concurrent-replicaset-syncs=16", "--concurrent-namespace-syncs=16", "--concurrent-gc-syncs=16",
			"--concurrent-resource-quota-syncs=16",
			"--resource-quota-sync-period=10s", "--namespace-sync-period=30s", "--pvclaimbinder-sync-period=2s",
			"--horizontal-pod-autoscaler-sync-period=5s",
			// A cluster that stood still for a while keeps its nodes.
			"--node-monitor-grace-period=24h",
			"--controllers=*,-persistentvolume-attach-detach-controller,-certificatesigningrequest-signing-controller," +
				"-certificatesigningrequest-approving-controller,-certificatesigningrequest-cleaner-controller",
		},
		"kube-scheduler": {
			"--kubeconfig=" + file("scheduler.kubeconfig"), "--leader-elect=false", "--secure-port=0",
			"--kube-api-qps=1000", "--kube-api-burst=2000",
		},
		"kwok": append(config, "--kubeconfig="+file("kwok.kubeconfig"), "--manage-all-nodes=true", "--cidr=10.1.0.1/16",
			"--node-lease-duration-seconds=3600", "--node-ip=127.0.0.1", "--node-port="+kubelet,
			"--server-address=127.0.0.1:"+kubelet, "--tls-cert-file="+file("server.crt"),
			"--tls-private-key-file="+file("server.key")),
	}
	return nil
}

// binaries is where this program is, and the others with it.
func binaries() string {
	self, err := os.Executable()
	if err != nil {
		return "."
	}
	return filepath.Dir(self)
}

func (c *cluster) start(name string) error {
	program := filepath.Join(binaries(), name)
	if assets := os.Getenv("KUBEBUILDER_ASSETS"); assets != "" {
		if _, err := os.Stat(filepath.Join(assets, name)); err == nil {
			program = filepath.Join(assets, name)
		}
	}
	log, err := os.OpenFile(filepath.Join(c.dir, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	command := exec.Command(program, c.arguments[name]...)
	command.Dir, command.Stdout, command.Stderr = c.dir, log, log
	// They must find no configuration of whoever runs the tests.
	command.Env = []string{"HOME=" + c.dir, "PATH=" + os.Getenv("PATH")}
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := command.Start(); err != nil {
		return err
	}
	started := &child{command: command, done: make(chan struct{})}
	c.children[name] = started
	go func() {
		err := command.Wait()
		close(started.done)
		if !started.ended.Load() {
			c.failed <- fmt.Errorf("%s ended (%v), see %s", name, err, log.Name())
		}
	}()
	return nil
}

func (c *cluster) stop(name string) {
	if child := c.children[name]; child != nil {
		child.ended.Store(true)
		child.command.Process.Kill()
		<-child.done
	}
}

func (c *cluster) signal(signal syscall.Signal, names ...string) {
	for _, name := range names {
		// One that has ended is reported elsewhere.
		_ = c.children[name].command.Process.Signal(signal)
	}
}

// populate waits until the cluster would run a Pod.
func (c *cluster) populate() error {
	for _, name := range nodes {
		status, body, err := c.request("POST", "/api/v1/nodes", fmt.Sprintf(node, name))
		if err != nil || status != http.StatusCreated {
			return fmt.Errorf("cannot create a node: %d %s %v", status, body, err)
		}
	}
	for _, name := range nodes {
		if err := c.await("/api/v1/nodes/"+name, isReady); err != nil {
			return err
		}
	}
	return c.await("/api/v1/namespaces/default/serviceaccounts/default", ok)
}

// createNamespace waits until Pods may be made there.
func (c *cluster) createNamespace(name string) error {
	body := fmt.Sprintf(`{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": %q}}`, name)
	status, text, err := c.request("POST", "/api/v1/namespaces", body)
	if err != nil || status != http.StatusCreated {
		return fmt.Errorf("cannot create the namespace %s: %d %s %v", name, status, text, err)
	}
	return c.await("/api/v1/namespaces/"+name+"/serviceaccounts/default", ok)
}

// store writes an object past the API server, as one of an earlier version left it that this one would not take.
func (c *cluster) store(key, value string) error {
	// Bytes are base64 in etcd's JSON, as in Go's.
	body, err := json.Marshal(map[string][]byte{"key": []byte("/registry/" + key), "value": []byte(value)})
	if err != nil {
		return err
	}
	answer, err := http.Post(c.etcd+"/v3/kv/put", "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(answer.Body)
		return fmt.Errorf("cannot store %s: %s %s", key, answer.Status, text)
	}
	return nil
}

func ok([]byte) bool { return true }

func isReady(body []byte) bool {
	var node struct {
		Spec   struct{ Taints []any }
		Status struct {
			Conditions []struct{ Type, Status string }
		}
	}
	if json.Unmarshal(body, &node) != nil || len(node.Spec.Taints) > 0 {
		return false
	}
	for _, condition := range node.Status.Conditions {
		if condition.Type == "Ready" && condition.Status == "True" {
			return true
		}
	}
	return false
}

// await asks until the answer is 200 with a body as wanted.
func (c *cluster) await(path string, wanted func([]byte) bool) error {
	var status int
	var body []byte
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		status, body, err = c.request("GET", path, "")
		if err == nil && status == http.StatusOK && wanted(body) {
			return nil
		}
	}
	return fmt.Errorf("waited in vain for %s: %d %v %s", path, status, err, body)
}

func (c *cluster) request(method, path, body string) (int, []byte, error) {
	request, err := http.NewRequest(method, c.server+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	request.Header = http.Header{"Authorization": {"Bearer " + c.token}, "Content-Type": {"application/json"}}
	answer, err := c.client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return answer.StatusCode, text, err
}

// flush waits until the audit log holds all that was answered before.
func (c *cluster) flush() error {
	log := filepath.Join(c.dir, "audit.log")
	before, err := os.Stat(log)
	if err != nil {
		return err
	}
	mark := "/livez?mark=" + rand.Text()
	if _, _, err := c.request("GET", mark, ""); err != nil {
		return err
	}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		file, err := os.Open(log)
		if err != nil {
			return err
		}
		text, err := io.ReadAll(io.NewSectionReader(file, before.Size(), 1<<40))
		file.Close()
		if err != nil {
			return err
		}
		if at := bytes.Index(text, []byte(mark)); at >= 0 && bytes.IndexByte(text[at:], '\n') >= 0 {
			return nil
		}
	}
	return fmt.Errorf("waited in vain for %s in %s", mark, log)
}

// freePorts are below those that Linux gives to whoever connects, so that a
// server that was stopped finds its own free again.
func freePorts(count int) ([]int, error) {
	var ports []int
	for range 1000 {
		port := 20000 + mathrand.IntN(12000)
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		// Held until all are found, since they have to differ.
		defer listener.Close()
		if ports = append(ports, port); len(ports) == count {
			return ports, nil
		}
	}
	return nil, fmt.Errorf("no free ports")
}
