# Launcher and worker that draw on CPUs, with engine OnnxRuntime. Build context: templates/target/image.
# Bases are pinned by tags that are not moved; the digests of these two could not be looked up where
# this was written. To pin them further: --build-arg BEAM=apache/beam_java17_sdk:2.70.0@sha256:…
ARG LAUNCHER=gcr.io/dataflow-templates-base/java17-template-launcher-base:20260122_RC00
ARG BEAM=apache/beam_java17_sdk:2.70.0

FROM ${LAUNCHER} AS launcher

FROM ${BEAM}
COPY --from=launcher /opt/google/dataflow/java_template_launcher /opt/google/dataflow/java_template_launcher
# What seldom changes first; all of it is read where it lies, nothing is staged.
COPY libs/ /template/libs/
COPY app/ /template/app/
COPY shardlight.jar validate /template/
COPY option-native.json /opt/apache/beam/options/option-native.json

ENV FLEX_TEMPLATE_JAVA_MAIN_CLASS=io.shardlight.templates.FlexTemplate \
    FLEX_TEMPLATE_JAVA_CLASSPATH=/template/shardlight.jar \
    FLEX_TEMPLATE_JAVA_OPTIONS="-Xmx2g -Djava.awt.headless=true" \
    SHARDLIGHT_DEVICE_KIND=cpu
# What may be made again is kept where any user may write; glibc's heaps a thread would keep memory
# that the networks need, and large pages halve the first step's time.
ENV XDG_CACHE_HOME=/var/tmp \
    HF_HOME=/var/tmp/huggingface \
    MALLOC_ARENA_MAX=4 \
    GLIBC_TUNABLES=glibc.malloc.hugetlb=1

# Beam's boot writes into the folder that it is started in.
WORKDIR /var/tmp
ENTRYPOINT ["/opt/apache/beam/boot"]
