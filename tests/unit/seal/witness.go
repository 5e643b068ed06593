// Checks signed tree heads, inclusion proofs and consistency proofs with the packages that Go's module proxy and
// checksum database are built on: golang.org/x/mod/sumdb/note and tlog. It shares no line with the Python side.
//
// Standard input: one JSON request per line. Standard output: one JSON answer per line, empty texts where all is well.
package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type request struct {
	Key         string   `json:"vkey"`
	Older       []byte   `json:"older"`
	Newer       []byte   `json:"newer"`
	Entry       []byte   `json:"entry"`
	Index       int64    `json:"index"`
	Inclusion   [][]byte `json:"inclusion"`
	Consistency [][]byte `json:"consistency"`
}

type answer struct {
	Origin      string `json:"origin"`
	Size        int64  `json:"size"`
	Checkpoint  string `json:"checkpoint"`
	Inclusion   string `json:"inclusion"`
	Consistency string `json:"consistency"`
}

type head struct {
	origin string
	size   int64
	root   tlog.Hash
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var asked request
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		out.Encode(check(asked))
	}
}

func check(asked request) answer {
	newer, err := open(asked.Key, asked.Newer)
	if err != nil {
		return answer{Checkpoint: err.Error()}
	}
	older, err := open(asked.Key, asked.Older)
	if err != nil {
		return answer{Checkpoint: err.Error()}
	}
	said := answer{Origin: newer.origin, Size: newer.size}
	leaf := tlog.RecordHash(asked.Entry)
	proof, err := hashes(asked.Inclusion)
	if err == nil {
		err = tlog.CheckRecord(proof, newer.size, newer.root, asked.Index, leaf)
	}
	said.Inclusion = text(err)
	proof, err = hashes(asked.Consistency)
	if err == nil {
		err = tlog.CheckTree(proof, newer.size, newer.root, older.size, older.root)
	}
	said.Consistency = text(err)
	return said
}

// open verifies a note's signature and reads a C2SP tlog-checkpoint from its text.
func open(key string, message []byte) (head, error) {
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return head{}, err
	}
	opened, err := note.Open(message, note.VerifierList(verifier))
	if err != nil {
		return head{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 {
		return head{}, fmt.Errorf("a checkpoint has three lines")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return head{}, err
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil {
		return head{}, err
	}
	found := head{origin: lines[0], size: size}
	if copy(found.root[:], root) != tlog.HashSize || len(root) != tlog.HashSize {
		return head{}, fmt.Errorf("a root has %d bytes", tlog.HashSize)
	}
	return found, nil
}

func hashes(given [][]byte) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(given))
	for place, each := range given {
		if len(each) != tlog.HashSize {
			return nil, fmt.Errorf("a hash has %d bytes", tlog.HashSize)
		}
		copy(found[place][:], each)
	}
	return found, nil
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
