// A TCP proxy on the loopback whose answers are late: delay UPSTREAM MILLISECONDS. It prints the address where it listens.
//
// Bytes are passed on as they are; those of answers so much later than they came, or up to a millisecond more. It is one loop around epoll,
// which Linux has, because its CPU is taken from what is measured: a goroutine or two for each connection cost more than the client itself.
package main

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"
)

const (
	pieceBytes = 64 << 10
	flags      = syscall.SOCK_STREAM | syscall.SOCK_CLOEXEC | syscall.SOCK_NONBLOCK
)

// One end of a connection, and the one that its bytes go to.
type end struct {
	socket int
	other  *end
	late   time.Duration // of what comes from it
	closed bool
}

// Bytes on their way; none where their end has closed.
type piece struct {
	due   time.Time
	to    *end
	bytes []byte
}

type proxy struct {
	epoll, listener int
	upstream        syscall.SockaddrInet4
	late            time.Duration
	ends            map[int32]*end
	onTheirWay      []piece // all are equally late: the first is due first
	spare           [][]byte
}

func main() {
	milliseconds, err := strconv.Atoi(os.Args[2])
	must(err)
	address, err := net.ResolveTCPAddr("tcp4", os.Args[1])
	must(err)
	one := &proxy{late: time.Duration(milliseconds) * time.Millisecond, ends: map[int32]*end{}}
	one.upstream = syscall.SockaddrInet4{Port: address.Port, Addr: [4]byte(address.IP.To4())}
	one.epoll, err = syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	must(err)
	one.listener, err = syscall.Socket(syscall.AF_INET, flags, 0)
	must(err)
	must(syscall.Bind(one.listener, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	must(syscall.Listen(one.listener, syscall.SOMAXCONN))
	one.watch(one.listener)
	name, err := syscall.Getsockname(one.listener)
	must(err)
	fmt.Printf("127.0.0.1:%d\n", name.(*syscall.SockaddrInet4).Port)
	for {
		one.wait()
	}
}

// Waits for bytes, or until some are due, and passes on what there is.
func (proxy *proxy) wait() {
	milliseconds := -1
	if len(proxy.onTheirWay) > 0 {
		milliseconds = max(0, int(time.Until(proxy.onTheirWay[0].due)/time.Millisecond)+1)
	}
	var events [256]syscall.EpollEvent
	count, err := syscall.EpollWait(proxy.epoll, events[:], milliseconds)
	if err == syscall.EINTR {
		return
	}
	must(err)
	now := time.Now()
	for _, event := range events[:count] {
		if from, known := proxy.ends[event.Fd]; known {
			proxy.take(from, now)
		} else if int(event.Fd) == proxy.listener {
			proxy.accept()
		}
	}
	for len(proxy.onTheirWay) > 0 && !proxy.onTheirWay[0].due.After(now) {
		proxy.pass(proxy.onTheirWay[0])
		proxy.onTheirWay = proxy.onTheirWay[1:]
	}
}

func (proxy *proxy) accept() {
	client, _, err := syscall.Accept4(proxy.listener, syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK)
	if err != nil {
		return
	}
	store, err := syscall.Socket(syscall.AF_INET, flags, 0)
	must(err)
	if err := syscall.Connect(store, &proxy.upstream); err != nil && err != syscall.EINPROGRESS {
		syscall.Close(client)
		syscall.Close(store)
		return
	}
	near, far := &end{socket: client}, &end{socket: store, late: proxy.late}
	near.other, far.other = far, near
	for _, one := range []*end{near, far} {
		must(syscall.SetsockoptInt(one.socket, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1))
		proxy.ends[int32(one.socket)] = one
		proxy.watch(one.socket)
	}
}

func (proxy *proxy) watch(socket int) {
	event := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(socket)}
	must(syscall.EpollCtl(proxy.epoll, syscall.EPOLL_CTL_ADD, socket, &event))
}

// Takes what has come from an end.
func (proxy *proxy) take(from *end, now time.Time) {
	buffer := proxy.buffer()
	count, err := syscall.Read(from.socket, buffer)
	if err == syscall.EAGAIN {
		return
	}
	one := piece{now.Add(from.late), from.other, buffer[:max(0, count)]}
	if from.late == 0 {
		proxy.pass(one)
		return
	}
	if count <= 0 {
		must(syscall.EpollCtl(proxy.epoll, syscall.EPOLL_CTL_DEL, from.socket, nil)) // its end would be told again and again
	}
	proxy.onTheirWay = append(proxy.onTheirWay, one)
}

func (proxy *proxy) buffer() []byte {
	last := len(proxy.spare) - 1
	if last < 0 {
		return make([]byte, pieceBytes)
	}
	buffer := proxy.spare[last]
	proxy.spare = proxy.spare[:last]
	return buffer
}

// Passes on bytes, or closes where there are none.
func (proxy *proxy) pass(one piece) {
	bytes := one.bytes
	for len(bytes) > 0 && !one.to.closed {
		count, err := syscall.Write(one.to.socket, bytes)
		if err == syscall.EAGAIN {
			time.Sleep(time.Millisecond) // who does not take what was asked for holds up the others
			continue
		}
		if err != nil {
			proxy.close(one.to)
			break
		}
		bytes = bytes[count:]
	}
	if len(one.bytes) == 0 {
		proxy.close(one.to)
	}
	proxy.spare = append(proxy.spare, one.bytes[:cap(one.bytes)])
}

// Closes a connection at both ends.
func (proxy *proxy) close(one *end) {
	for _, one := range []*end{one, one.other} {
		if !one.closed {
			one.closed = true
			delete(proxy.ends, int32(one.socket))
			syscall.Close(one.socket)
		}
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
