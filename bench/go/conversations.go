package main

import "encoding/hex"

// conversations makes the conversation ids of one run. They look random to an index, and each can be made again from
// its number, so that a refused call can be repeated without having kept its id.
type conversations struct{ seed uint64 }

const uuidLength = 36

// write puts the id with this number, as text, into the first 36 bytes of `to`.
func (c conversations) write(to []byte, number uint64) {
	id := c.id(number)
	at := 0
	for i, part := range [...]int{4, 2, 2, 2, 6} {
		if i > 0 {
			to[at] = '-'
			at++
		}
		at += hex.Encode(to[at:], id[:part])
		copy(id[:], id[part:])
	}
}

// id returns the 16 bytes of the id with this number: a UUID of version 4.
func (c conversations) id(number uint64) (id conversationID) {
	for half := range 2 {
		word := mix(c.seed + number*2 + uint64(half))
		for i := range 8 {
			id[half*8+i] = byte(word >> (8 * i))
		}
	}
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id
}

type conversationID [16]byte

// parseID reads an id from its text; it reports whether the text is one.
func parseID(text []byte) (id conversationID, ok bool) {
	if len(text) != uuidLength {
		return id, false
	}
	at := 0
	for _, part := range [...][2]int{{0, 8}, {9, 13}, {14, 18}, {19, 23}, {24, 36}} {
		n, err := hex.Decode(id[at:], text[part[0]:part[1]])
		if err != nil {
			return id, false
		}
		at += n
	}
	return id, true
}

// mix is the finalizer of SplitMix64: neighbouring numbers become unrelated ones.
func mix(x uint64) uint64 {
	x *= 0x9e3779b97f4a7c15
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb
	return x ^ (x >> 31)
}
