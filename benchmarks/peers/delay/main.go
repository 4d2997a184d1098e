// A TCP proxy on the loopback whose answers are late: delay UPSTREAM MILLISECONDS. It prints the address where it listens.
//
// Bytes are passed on as they are, each so much later than it came; connections don't hold each other up.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"time"
)

type piece struct {
	due   time.Time
	bytes []byte
}

func main() {
	milliseconds, err := strconv.Atoi(os.Args[2])
	if err != nil {
		panic(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr())
	for {
		client, err := listener.Accept()
		if err != nil {
			panic(err)
		}
		go serve(client, os.Args[1], time.Duration(milliseconds)*time.Millisecond)
	}
}

func serve(client net.Conn, upstream string, late time.Duration) {
	store, err := net.Dial("tcp", upstream)
	if err != nil {
		client.Close()
		return
	}
	go func() {
		io.Copy(store, client)
		store.Close()
	}()
	pieces := make(chan piece, 1024)
	go func() {
		for one := range pieces {
			time.Sleep(time.Until(one.due))
			client.Write(one.bytes)
		}
		client.Close()
	}()
	for {
		buffer := make([]byte, 64<<10)
		count, err := store.Read(buffer)
		if count > 0 {
			pieces <- piece{time.Now().Add(late), buffer[:count]}
		}
		if err != nil {
			close(pieces)
			return
		}
	}
}
