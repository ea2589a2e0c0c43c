/* SPDX-License-Identifier: MIT */
/* replay_main.c - runs a fuzz target once over each file given, without
 * libFuzzer, and reports in TAP. The empty input always goes first. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads a whole file into heap memory of exactly its size, so that the address
 * sanitizer sees a read past its end. */
static uint8_t *read_file(const char *path, size_t *len) {
  FILE *f = fopen(path, "rb");
  if (f == NULL) return NULL;
  uint8_t *data = NULL;
  long size = -1;
  if (fseek(f, 0, SEEK_END) == 0) size = ftell(f);
  if (size >= 0 && fseek(f, 0, SEEK_SET) == 0) {
    data = malloc(size > 0 ? (size_t)size : 1);
    *len = (size_t)size;
    if (data != NULL && fread(data, 1, *len, f) != *len) {
      free(data);
      data = NULL;
    }
  }
  fclose(f);
  return data;
}

int main(int argc, char **argv) {
  int failed = 0;
  printf("1..%d\n", argc);
  (void)LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
  printf("ok 1 - empty input\n");
  for (int i = 1; i < argc; i++) {
    size_t len = 0;
    uint8_t *data = read_file(argv[i], &len);
    if (data == NULL) {
      printf("not ok %d - cannot read %s\n", i + 1, argv[i]);
      failed = 1;
      continue;
    }
    /* A crash must leave the name of its input behind. */
    printf("# %s\n", argv[i]);
    fflush(stdout);
    (void)LLVMFuzzerTestOneInput(data, len);
    free(data);
    printf("ok %d - %s\n", i + 1, argv[i]);
  }
  return failed;
}
