package main

func runProxy(kubeconfigFile, out string) error { return nil }
