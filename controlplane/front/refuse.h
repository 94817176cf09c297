/* Refusals that the front makes itself, in the form of whoever asked. */
#ifndef LARDER_CONTROLPLANE_FRONT_REFUSE_H
#define LARDER_CONTROLPLANE_FRONT_REFUSE_H

#include "controlplane/api/api.h"

/* As api_refuse: XML for the Query protocol, which lives at "/", and JSON for every other path. */
void refuse(struct api *api, struct arena *a, const struct api_request *request, int fault,
            const char *why, struct api_response *out);

#endif
