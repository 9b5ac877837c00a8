// Command cluster runs a Kubernetes cluster, a proxy that spoils what passes
// between it and its clients, or a webhook that refuses, as long as somebody
// holds its standard input open:
//
//	cluster up DIR [--audit] [--remove]
//	cluster proxy --kubeconfig FILE --out FILE
//	cluster webhook
//
// All print `ready`, then answer each line that they read with one of theirs.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
)

// A child dies with the thread that started it, so that has to be the one that
// lives as long as this process: the first.
func init() { runtime.LockOSThread() }

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) == 0 {
		return fmt.Errorf("what? `up`, `proxy` or `webhook`")
	}
	flags := flag.NewFlagSet(arguments[0], flag.ContinueOnError)
	switch arguments[0] {
	case "up":
		if len(arguments) < 2 {
			return fmt.Errorf("up: in which folder?")
		}
		audit := flags.Bool("audit", false, "write DIR/audit.log")
		remove := flags.Bool("remove", false, "remove DIR at the end, unless something went wrong")
		if err := flags.Parse(arguments[2:]); err != nil {
			return err
		}
		if err := up(arguments[1], *audit); err != nil || !*remove {
			return err
		}
		return os.RemoveAll(arguments[1])
	case "proxy":
		kubeconfig := flags.String("kubeconfig", "", "of the cluster")
		out := flags.String("out", "", "the kubeconfig of the proxy")
		if err := flags.Parse(arguments[1:]); err != nil {
			return err
		}
		return runProxy(*kubeconfig, *out)
	case "webhook":
		return runWebhook()
	}
	return fmt.Errorf("%q is neither `up` nor `proxy` nor `webhook`", arguments[0])
}

// serve says `ready` and does what is asked for on standard input until its
// end, a signal, or an error that comes through failed.
func serve(failed <-chan error, do func(line string) (string, error)) error {
	lines := make(chan string)
	go func() {
		defer close(lines)
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			lines <- in.Text()
		}
	}()
	signals := interrupts()
	fmt.Println("ready")
	for {
		select {
		case line, open := <-lines:
			if !open {
				return nil
			}
			answer, err := do(line)
			if err != nil {
				answer = fmt.Sprintf("error: %v", err)
			}
			fmt.Println(answer)
		case <-signals:
			return nil
		case err := <-failed:
			return err
		}
	}
}

func interrupts() <-chan os.Signal {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	return signals
}
