# Launcher and worker for TPUs, with engine PJRT. Build context: templates/target/image.
# Bases are pinned by tags that are not moved, the one that only fetches wheels by digest too; the
# digests of the others could not be looked up where this was written. To pin them further:
# --build-arg BEAM=apache/beam_java17_sdk:2.70.0@sha256:…
ARG LAUNCHER=gcr.io/dataflow-templates-base/java17-template-launcher-base:20260122_RC00
ARG BEAM=apache/beam_java17_sdk:2.70.0
ARG PYTHON=python:3.12-slim-bookworm@sha256:54c85f3c47607a77f32adec749d3c81d1348bf25833671f512b26a9b6d778cb3

FROM ${LAUNCHER} AS launcher

# The TPU's runtime library. Nothing of Python goes into the image.
FROM ${PYTHON} AS plugin
COPY plugin-tpu.txt /plugin-tpu.txt
RUN pip install --no-cache-dir --no-deps --no-compile --only-binary :all: --require-hashes --target /plugin -r /plugin-tpu.txt

FROM ${BEAM}
COPY --from=launcher /opt/google/dataflow/java_template_launcher /opt/google/dataflow/java_template_launcher
COPY --from=plugin /plugin/libtpu/libtpu.so /opt/pjrt/libtpu.so
# What seldom changes first; all of it is read where it lies, nothing is staged.
COPY libs/ /template/libs/
COPY app/ /template/app/
COPY shardlight.jar validate tpu-host /template/
COPY option-native.json /opt/apache/beam/options/option-native.json

ENV FLEX_TEMPLATE_JAVA_MAIN_CLASS=io.shardlight.templates.FlexTemplate \
    FLEX_TEMPLATE_JAVA_CLASSPATH=/template/shardlight.jar \
    FLEX_TEMPLATE_JAVA_OPTIONS="-Xmx2g -Djava.awt.headless=true" \
    SHARDLIGHT_DEVICE_KIND=tpu
# A worker is one host with all the chips it asks nobody for; tpu-host counts them.
ENV TPU_LIBRARY_PATH=/opt/pjrt/libtpu.so \
    TPU_SKIP_MDS_QUERY=1 \
    TPU_HOST_BOUNDS=1,1,1 \
    TPU_WORKER_HOSTNAMES=localhost \
    TPU_WORKER_ID=0
# The plugin handles signals that the JVM lives by; with libjsig both have theirs.
ENV LD_PRELOAD=/opt/java/openjdk/lib/libjsig.so
# What may be made again is kept where any user may write; weights that are rounded on their way to
# the devices lie on large pages. glibc's heaps are not limited, as the plugin compiles on all cores.
ENV XDG_CACHE_HOME=/var/tmp \
    HF_HOME=/var/tmp/huggingface \
    GLIBC_TUNABLES=glibc.malloc.hugetlb=1

# Beam's boot writes into the folder that it is started in.
WORKDIR /var/tmp
ENTRYPOINT ["/template/tpu-host", "/opt/apache/beam/boot"]
