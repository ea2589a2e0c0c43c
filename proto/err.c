/* SPDX-License-Identifier: MIT */
/* err.c - names and sentences of results, from the one list in err.h. */
#include "godwit/err.h"

#define NAME_OF(name, number, sentence) \
  case name:                            \
    return #name;
#define TEXT_OF(name, number, sentence) \
  case name:                            \
    return sentence;

const char *gw_err_name(int err) {
  switch (err) {
  case GW_OK:
    return "GW_OK";
    GW_ERR_LIST(NAME_OF)
  default:
    return "GW_ERR_UNKNOWN";
  }
}

const char *gw_err_text(int err) {
  switch (err) {
  case GW_OK:
    return "no error";
    GW_ERR_LIST(TEXT_OF)
  default:
    return "an error that is not known";
  }
}

int gw_err_is_fatal(int err) {
  return err <= -200 && err > -300;
}
