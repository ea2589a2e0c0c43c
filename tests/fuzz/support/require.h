/* SPDX-License-Identifier: MIT */
/* require.h - what has to hold for any input; libFuzzer keeps the input if not. */
#ifndef GODWIT_TEST_REQUIRE_H
#define GODWIT_TEST_REQUIRE_H

#include <stdio.h>
#include <stdlib.h>

#define REQUIRE(what)                                            \
  do {                                                           \
    if (!(what)) {                                               \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what); \
      abort();                                                   \
    }                                                            \
  } while (0)

#endif
