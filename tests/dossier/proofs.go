// Checks the proofs of an unpacked dossier with Go's own libraries.
// usage: proofs FOLDER ; prints how many entries' proofs hold, or fails.
package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func read(parts ...string) []byte {
	data, err := os.ReadFile(filepath.Join(parts...))
	must(err)
	return data
}

func main() {
	folder := os.Args[1]
	verifier, err := note.NewVerifier(strings.TrimSpace(string(read(folder, "data/log/vkey"))))
	must(err)
	entries, err := filepath.Glob(filepath.Join(folder, "data/entries/*.dsse.json"))
	must(err)
	for _, path := range entries {
		number := strings.TrimSuffix(filepath.Base(path), ".dsse.json")
		head, signed, _ := bytes.Cut(read(folder, "data/proofs", number+".tlog-proof"), []byte("\n\n"))
		opened, err := note.Open(signed, note.VerifierList(verifier))
		must(err)
		lines := strings.Split(string(head), "\n")
		if lines[0] != "c2sp.org/tlog-proof@v1" {
			must(fmt.Errorf("%s: not a tlog-proof", number))
		}
		index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
		must(err)
		var proof tlog.RecordProof
		for _, line := range lines[2:] {
			hash, err := tlog.ParseHash(line)
			must(err)
			proof = append(proof, hash)
		}
		fields := strings.Split(opened.Text, "\n")
		size, err := strconv.ParseInt(fields[1], 10, 64)
		must(err)
		root, err := base64.StdEncoding.DecodeString(fields[2])
		must(err)
		var hash tlog.Hash
		copy(hash[:], root)
		must(tlog.CheckRecord(proof, size, hash, index, tlog.RecordHash(read(path))))
	}
	fmt.Println(len(entries))
}
