/* SPDX-License-Identifier: MIT */
/* heap.c - malloc and its family for the module: blocks of powers of two, each kept for its
 * like when it is free.
 *
 * Emscripten's smallest one takes 2.8 KB of the module, a tenth of what a page
 * loads; this takes 0.5. A client asks for few sizes again and again, so that
 * splitting and joining would gain nothing: after the first messages each request
 * is served from a list, and memory stays as it is. The price is that up to half
 * of a block is not used, and that a block never serves another size.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MIN_SHIFT   4u
#define NUM_CLASSES 28u
#define PAGE_BYTES  65536u

/** Before each block. 8 bytes, so that what follows is aligned for anything. */
typedef union head {
  struct {
    uint32_t class; /**< of a block in use */
    union head *next;
  } s;
  uint64_t align;
} head;

/** Where the linker's data and stack end. */
extern uint8_t __heap_base;

static head *free_lists[NUM_CLASSES];
static uint8_t *next_new;
static uint8_t *end;

static size_t size_of(uint32_t class) {
  return (size_t)1 << (class + MIN_SHIFT);
}

/** Blocks that nobody had before. */
static head *cut(size_t size) {
  if (next_new == NULL) {
    next_new = &__heap_base;
    end = (uint8_t *)(__builtin_wasm_memory_size(0) * PAGE_BYTES);
  }
  if ((size_t)(end - next_new) < size) {
    size_t pages = (size + PAGE_BYTES - 1) / PAGE_BYTES;
    if (__builtin_wasm_memory_grow(0, pages) == SIZE_MAX) return NULL;
    end += pages * PAGE_BYTES;
  }
  head *block = (head *)(void *)next_new;
  next_new += size;
  return block;
}

static head *take(size_t len) {
  uint32_t class = 0;
  while (size_of(class) < len + sizeof(head)) {
    if (++class == NUM_CLASSES) return NULL;
  }
  head *block = free_lists[class];
  if (block != NULL)
    free_lists[class] = block->s.next;
  else
    block = cut(size_of(class));
  if (block != NULL) block->s.class = class;
  return block;
}

static void give_back(head *block) {
  head **list = &free_lists[block->s.class];
  block->s.next = *list;
  *list = block;
}

void *malloc(size_t size) {
  head *block = take(size);
  return block != NULL ? block + 1 : NULL;
}

void free(void *ptr) {
  if (ptr != NULL) give_back((head *)ptr - 1);
}

void *realloc(void *ptr, size_t size) {
  if (ptr == NULL) return malloc(size);
  head *old = (head *)ptr - 1;
  size_t room = size_of(old->s.class) - sizeof *old;
  if (size <= room) return ptr;
  void *copy = malloc(size);
  if (copy == NULL) return NULL;
  memcpy(copy, ptr, room);
  give_back(old);
  return copy;
}
