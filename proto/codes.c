/* SPDX-License-Identifier: MIT */
/* codes.c - names, sentences and classes of the schema's numbers. */
#include "godwit/codes.h"

#include "codes_table.inc"
#include "godwit/wire.h"

enum gw_code_class gw_code_class(uint32_t code) {
  switch (code / 100) {
  case 0:
    return code == GW_CODE_OK ? GW_CLASS_OK : GW_CLASS_TERMINAL;
  case 1:
    return GW_CLASS_RETRY;
  case 2:
    return GW_CLASS_RETRY_AFTER;
  case 3:
    return GW_CLASS_REAUTH;
  case 4:
    return GW_CLASS_RESYNC;
  default:
    return GW_CLASS_TERMINAL;
  }
}

/* Three switches instead of one table of rows: a program that never asks for
 * the sentences, such as the browser's, is linked without them. */

#define NAME_OF(name, number, sentence) \
  case number:                          \
    return name;
#define TEXT_OF(name, number, sentence) \
  case number:                          \
    return sentence;
#define TYPE_OF(name, number) \
  case number:                \
    return name;

const char *gw_code_name(uint32_t code) {
  switch (code) {
    GW__CODE_TABLE(NAME_OF)
  default:
    return "UNKNOWN";
  }
}

const char *gw_code_text(uint32_t code) {
  switch (code) {
    GW__CODE_TABLE(TEXT_OF)
  default:
    return "A reason that is not known here.";
  }
}

const char *gw_type_name(uint8_t type) {
  switch (type) {
    GW__FRAME_TABLE(TYPE_OF)
  default:
    return "UNKNOWN";
  }
}
