;; SipHash-2-4 with a result of 128 bits; sip-hash.wasm is made of it by `make wasm`.
;;
;; Memory   0 … 31 the state that every digest begins with: v0 … v3, mixed with the key     32 … 47 the result     64 … what is hashed
(module
  (memory (export "memory") 1)

  (func $rounds (param $left i32) (param $a i64) (param $b i64) (param $c i64) (param $d i64) (result i64 i64 i64 i64)
    (loop $round
      (local.set $a (i64.add (local.get $a) (local.get $b)))
      (local.set $b (i64.xor (i64.rotl (local.get $b) (i64.const 13)) (local.get $a)))
      (local.set $a (i64.rotl (local.get $a) (i64.const 32)))
      (local.set $c (i64.add (local.get $c) (local.get $d)))
      (local.set $d (i64.xor (i64.rotl (local.get $d) (i64.const 16)) (local.get $c)))
      (local.set $a (i64.add (local.get $a) (local.get $d)))
      (local.set $d (i64.xor (i64.rotl (local.get $d) (i64.const 21)) (local.get $a)))
      (local.set $c (i64.add (local.get $c) (local.get $b)))
      (local.set $b (i64.xor (i64.rotl (local.get $b) (i64.const 17)) (local.get $c)))
      (local.set $c (i64.rotl (local.get $c) (i64.const 32)))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br_if $round (local.get $left)))
    (local.get $a) (local.get $b) (local.get $c) (local.get $d))

  ;; The last word: the bytes that are left, nothing of what stands after them, and the length in its highest byte.
  (func $last (param $word i64) (param $bytes i32) (result i64)
    (i64.or
      (i64.and
        (local.get $word)
        (i64.sub
          (i64.shl (i64.const 1) (i64.extend_i32_u (i32.shl (i32.and (local.get $bytes) (i32.const 7)) (i32.const 3))))
          (i64.const 1)))
      (i64.shl (i64.extend_i32_u (local.get $bytes)) (i64.const 56))))

  (func (export "digest") (param $bytes i32)
    (local $a i64) (local $b i64) (local $c i64) (local $d i64) (local $word i64) (local $at i32) (local $end i32)
    (local.set $a (i64.load (i32.const 0)))
    (local.set $b (i64.load (i32.const 8)))
    (local.set $c (i64.load (i32.const 16)))
    (local.set $d (i64.load (i32.const 24)))
    (local.set $at (i32.const 64))
    (local.set $end (i32.add (i32.const 64) (i32.and (local.get $bytes) (i32.const -8))))
    (loop $next
      (local.set $word (i64.load (local.get $at)))
      (if (i32.eq (local.get $at) (local.get $end))
        (then (local.set $word (call $last (local.get $word) (local.get $bytes)))))
      (i32.const 2) (local.get $a) (local.get $b) (local.get $c) (i64.xor (local.get $d) (local.get $word))
      (call $rounds)
      (local.set $d) (local.set $c) (local.set $b)
      (local.set $a (i64.xor (local.get $word)))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br_if $next (i32.le_u (local.get $at) (local.get $end))))
    (i32.const 4) (local.get $a) (local.get $b) (i64.xor (local.get $c) (i64.const 0xee)) (local.get $d)
    (call $rounds)
    (local.set $d) (local.set $c) (local.set $b) (local.set $a)
    (i64.store (i32.const 32)
      (i64.xor (i64.xor (local.get $a) (local.get $b)) (i64.xor (local.get $c) (local.get $d))))
    (i32.const 4) (local.get $a) (i64.xor (local.get $b) (i64.const 0xdd)) (local.get $c) (local.get $d)
    (call $rounds)
    (local.set $d) (local.set $c) (local.set $b) (local.set $a)
    (i64.store (i32.const 40)
      (i64.xor (i64.xor (local.get $a) (local.get $b)) (i64.xor (local.get $c) (local.get $d))))))
