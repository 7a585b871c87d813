// What the worker includes: libsrtp 3's names, led to the adapter.
#pragma once

#include "adapter.h"

// Codes that libsrtp 3 added; libsrtp 2 ends at 27.
#define srtp_err_status_buffer_small ((srtp_err_status_t)28)
#define srtp_err_status_cryptex_err ((srtp_err_status_t)29)

#define srtp_policy_t adapter_policy
#define srtp_protect adapter_protect
#define srtp_protect_rtcp adapter_protect_rtcp
#define srtp_unprotect adapter_unprotect
#define srtp_unprotect_rtcp adapter_unprotect_rtcp
#define srtp_stream_remove srtp_remove_stream
