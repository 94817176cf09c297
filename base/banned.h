/*
 * Functions that do not compile in this house: unbounded copies, hidden state, silent conversions.
 * Forced into every translation unit of the product by the build (-include). The headers come
 * first, because their own declarations must still compile.
 */
#ifndef LARDER_BASE_BANNED_H
#define LARDER_BASE_BANNED_H

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <wchar.h>

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets strtok
#pragma GCC poison atoi atol atoll atof
#pragma GCC poison gmtime localtime ctime asctime ctime_r asctime_r
#pragma GCC poison gethostbyname inet_ntoa tmpnam tempnam mktemp

#endif
