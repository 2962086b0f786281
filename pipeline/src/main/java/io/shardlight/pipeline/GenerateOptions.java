package io.shardlight.pipeline;

import io.shardlight.data.GenerationSettings;
import io.shardlight.data.Prompt;
import io.shardlight.data.Sampling;
import io.shardlight.data.StoredSecrets;
import org.apache.beam.sdk.options.Default;
import org.apache.beam.sdk.options.Description;
import org.apache.beam.sdk.options.PipelineOptions;
import org.apache.beam.sdk.options.Validation;
import org.jspecify.annotations.Nullable;

/**
 * The options of {@code generate}. The annotations are the one description there is: help, checks
 * and template metadata are made from them.
 */
public interface GenerateOptions extends PipelineOptions {
  // Input and output

  @Description(
      "Prompt files: paths or globs, local or gs://, separated by commas. In .txt files every line"
          + " is a prompt (blank lines and # comments are skipped) or A1111's --prompt \"...\""
          + " --seed 7 ...; in .jsonl, .csv, .tsv, .parquet and .avro files every record has"
          + " \"prompt\" (or \"caption\", \"text\") and, if you like, \"id\", \"negative_prompt\","
          + " \"seed\", \"images\", \"steps\", \"guidance_scale\", \"width\", \"height\","
          + " \"scheduler\". Text files may be packed as .gz or .zst. {date} in a path is the day"
          + " of the run.")
  @Validation.Required
  @Option(
      group = OptionGroup.FILES,
      order = 1,
      label = "Prompt files",
      example = "prompts.txt",
      cloudExample = "gs://my-prompts/animals/*.jsonl",
      stored = Option.Stored.FILES_TO_READ)
  String getInput();

  void setInput(String value);

  @Description(
      "Directory of the dataset, local or gs://bucket/folder; made if it is not there. When the"
          + " same command runs again after a job was stopped, it goes on after the shards that"
          + " were complete; see --shardSize. {date} in it is the day of the run, {inputHash}"
          + " twelve digits that the same input files have in common; {{ and }} stand for braces.")
  @Validation.Required
  @Option(
      group = OptionGroup.FILES,
      order = 2,
      label = "Dataset",
      example = "out",
      cloudExample = "gs://my-datasets/foxes",
      stored = Option.Stored.FOLDER_TO_WRITE)
  String getOutput();

  void setOutput(String value);

  @Description("Carry columns of the input that have no meaning here into the manifest.")
  @Default.Boolean(true)
  @Option(group = OptionGroup.FILES, order = 3)
  boolean isSaveAdditionalColumns();

  void setSaveAdditionalColumns(boolean value);

  @Description(
      "Read prompts as templates: {red|blue} is one of the two, {2$$ and $$red|blue|green} two of"
          + " the three, {3::red|blue} red three times as often, __colour__ a line of colour.txt in"
          + " --wildcards. Drawn afresh for each image, always the same for the same --seed, record"
          + " and image; a backslash keeps { } | and _ as they are.")
  @Default.Boolean(false)
  @Option(group = OptionGroup.FILES, order = 4)
  boolean isExpandTemplates();

  void setExpandTemplates(boolean value);

  @Description(
      "Directory, local or gs://, of the wildcard files of --expandTemplates=true: name.txt, also"
          + " in directories below (__below/name__), with a value a line, which may be a template"
          + " itself; blank lines and # comments are skipped.")
  @Option(
      group = OptionGroup.FILES,
      order = 5,
      label = "Folder of wildcard files",
      example = "wildcards",
      cloudExample = "gs://my-prompts/wildcards",
      stored = Option.Stored.FOLDER_TO_READ,
      defaultText = "none")
  @Nullable String getWildcards();

  void setWildcards(@Nullable String value);

  @Description(
      "Day that {date} in --input and --output stands for, to make up for one that was missed.")
  @Option(
      group = OptionGroup.FILES,
      order = 6,
      pattern = "[0-9]{4}-[0-9]{2}-[0-9]{2}",
      patternText = "a day as year-month-day",
      example = "2026-11-26",
      defaultText = "today, in UTC")
  @Nullable String getRunDate();

  void setRunDate(@Nullable String value);

  // Images

  @Description("Images of each prompt.")
  @Default.Integer(1)
  @Option(group = OptionGroup.IMAGES, order = 1, min = 1, max = Prompt.MAX_IMAGES)
  int getImagesPerPrompt();

  void setImagesPerPrompt(int value);

  @Description("Denoising steps of an image: fewer are faster, more are finer.")
  @Option(
      group = OptionGroup.IMAGES,
      order = 2,
      min = 1,
      max = Sampling.MAX_STEPS,
      defaultText = "the model's own, else 50")
  @Nullable Integer getSteps();

  void setSteps(@Nullable Integer value);

  @Description(
      "How strongly an image follows its prompt (classifier-free guidance). 1 switches guidance"
          + " off, which halves the time.")
  @Option(
      group = OptionGroup.IMAGES,
      order = 3,
      min = 0,
      max = Sampling.MAX_GUIDANCE_SCALE,
      defaultText = "the model's own, else 7.5")
  @Nullable Double getGuidanceScale();

  void setGuidanceScale(@Nullable Double value);

  @Description("What images should not show, for prompts that do not say it themselves.")
  @Default.String("")
  @Option(
      group = OptionGroup.IMAGES,
      order = 4,
      pattern = "(?s).*",
      example = "\"blurry, low quality\"",
      defaultText = "nothing")
  String getNegativePrompt();

  void setNegativePrompt(String value);

  @Description("Width of the images in pixels.")
  @Option(
      group = OptionGroup.IMAGES,
      order = 5,
      min = 8,
      max = Sampling.MAX_SIZE_PIXELS,
      multipleOf = 8,
      example = "512",
      defaultText = "the model's own")
  @Nullable Integer getWidth();

  void setWidth(@Nullable Integer value);

  @Description("Height of the images in pixels.")
  @Option(
      group = OptionGroup.IMAGES,
      order = 6,
      min = 8,
      max = Sampling.MAX_SIZE_PIXELS,
      multipleOf = 8,
      example = "512",
      defaultText = "the model's own")
  @Nullable Integer getHeight();

  void setHeight(@Nullable Integer value);

  @Description(
      "Sampler, with the betas, spacing and prediction type of the model's own configuration.")
  @Option(
      group = OptionGroup.IMAGES,
      order = 7,
      values = {"pndm", "ddim", "lms", "euler", "euler_a", "dpmpp_2m", "dpmpp_2m_karras"},
      defaultText = "the model's own")
  @Nullable String getScheduler();

  void setScheduler(@Nullable String value);

  @Description("Format of the image files: png keeps every pixel, jpeg and webp are smaller.")
  @Default.String("png")
  @Option(
      group = OptionGroup.IMAGES,
      order = 8,
      values = {"png", "jpeg", "webp"})
  String getImageFormat();

  void setImageFormat(String value);

  @Description("Quality of JPEG and WebP files: more is closer to what was drawn, and larger.")
  @Option(
      group = OptionGroup.IMAGES,
      order = 9,
      min = 1,
      max = 100,
      defaultText = "" + GenerationSettings.DEFAULT_IMAGE_QUALITY)
  @Nullable Integer getImageQuality();

  void setImageQuality(@Nullable Integer value);

  // Seeds

  @Description("Seed of the run: each image's own seed, which the manifest lists, follows from it.")
  @Default.Long(0)
  @Option(group = OptionGroup.SEEDS, order = 1, min = 0, max = 4294967295d)
  long getSeed();

  void setSeed(long value);

  @Description(
      "perImage gives image i of a prompt the seed s + i; jaxSplit splits one key among a prompt's"
          + " images, as the original eight-device notebook does.")
  @Default.String("perImage")
  @Option(
      group = OptionGroup.SEEDS,
      order = 2,
      values = {"perImage", "jaxSplit"})
  String getSeedPolicy();

  void setSeedPolicy(String value);

  // Model and devices

  @Description(
      "demo, the small model that comes along; a directory with a Stable Diffusion 1.x or 2.x"
          + " checkpoint in diffusers' layout (safetensors or Flax msgpack);"
          + " hf://owner/name[@revision] on the Hugging Face Hub; or gs://bucket/folder, where"
          + " stage put one. The last two are fetched once and kept, by this command and by each"
          + " worker that has them not.")
  @Default.String("demo")
  @Option(
      group = OptionGroup.MODEL,
      order = 1,
      example = "models/stable-diffusion-v1-4",
      cloudExample = "gs://my-models/stable-diffusion-v1-4",
      cloudPattern = "demo|hf://.+|gs://.+")
  String getModel();

  void setModel(String value);

  @Description(
      "LoRAs to merge into the model's weights, separated by commas: local safetensors files in the"
          + " naming of kohya's trainer or of diffusers, each with a scale after a colon; 1, as"
          + " strong as it was trained, if there is none. Linear layers and convolutions of text"
          + " encoder and UNet.")
  @Option(
      group = OptionGroup.MODEL,
      order = 11,
      example = "styles/watercolour.safetensors:0.8",
      defaultText = "none")
  @Nullable String getLora();

  void setLora(@Nullable String value);

  @Description(
      "Directory of a VAE in diffusers' layout, config.json and weights, that takes the place of"
          + " the model's own.")
  @Option(
      group = OptionGroup.MODEL,
      order = 12,
      example = "models/sd-vae-ft-mse",
      defaultText = "the model's own")
  @Nullable String getVae();

  void setVae(@Nullable String value);

  @Description(
      "Id of the model's licence, to say that you accept it; needed where the model's card names"
          + " one.")
  @Option(
      group = OptionGroup.MODEL,
      order = 2,
      example = "creativeml-openrail-m",
      defaultText = "none accepted")
  @Nullable String getAcceptLicense();

  void setAcceptLicense(@Nullable String value);

  @Description(
      "Secret Manager's name of a secret with the Hugging Face Hub's token, for this command and"
          + " its workers, in the place of HF_TOKEN. A token itself is never an option: options are"
          + " seen by everybody who lists processes or looks at a job.")
  @Option(
      group = OptionGroup.MODEL,
      order = 13,
      label = "Secret with the Hugging Face Hub's token",
      pattern = StoredSecrets.FORM,
      patternText = "projects/P/secrets/S/versions/V, the name of a secret and never a token",
      example = "projects/my-project/secrets/hf-token/versions/latest",
      defaultText = "none")
  @Nullable String getHfTokenSecret();

  void setHfTokenSecret(@Nullable String value);

  @Description(
      "What computes the networks: OnnxRuntime on the CPU, and on NVIDIA GPUs where it was built"
          + " for them; PJRT on TPUs and NVIDIA GPUs. auto is PJRT where a plugin is named, by"
          + " --pjrtPlugin or the environment, else OnnxRuntime.")
  @Default.String("auto")
  @Option(
      group = OptionGroup.MODEL,
      order = 3,
      values = {"auto", "OnnxRuntime", "PJRT"})
  String getEngine();

  void setEngine(String value);

  @Description(
      "How many devices share the work; the images do not depend on it. On a CPU any number of"
          + " virtual devices shares one copy of the weights.")
  @Default.String("auto")
  @Option(
      group = OptionGroup.MODEL,
      order = 4,
      pattern = "auto|[1-9][0-9]{0,3}",
      patternText = "auto for all there are, or a count from 1 to 9999",
      example = "8")
  String getDevices();

  void setDevices(String value);

  @Description(
      "Kind the devices must be. The job does not start where there is none; it never falls back"
          + " to the CPU in silence.")
  @Default.String("any")
  @Option(
      group = OptionGroup.MODEL,
      order = 5,
      values = {"any", "cpu", "gpu", "tpu"})
  String getDeviceKind();

  void setDeviceKind(String value);

  @Description("Images a device makes in one call; the images do not depend on it.")
  @Default.Integer(1)
  @Option(group = OptionGroup.MODEL, order = 6, min = 1, max = 256)
  int getBatchPerDevice();

  void setBatchPerDevice(int value);

  @Description(
      "Arithmetic of UNet and VAE: bfloat16 with engine PJRT; float16 with OnnxRuntime, which on a"
          + " CPU keeps their weights so, in half the memory, and computes with them in float32."
          + " The text encoder and the steps between are always float32.")
  @Option(
      group = OptionGroup.MODEL,
      order = 7,
      values = {"float32", "bfloat16", "float16"},
      defaultText = "float32 on a CPU, else bfloat16 or float16")
  @Nullable String getDtype();

  void setDtype(@Nullable String value);

  @Description(
      "Whose arithmetic to follow in the details: diffusers' PyTorch pipeline or its Flax"
          + " pipeline.")
  @Option(
      group = OptionGroup.MODEL,
      order = 8,
      values = {"torch", "flax"},
      defaultText = "flax for a Flax checkpoint, torch for others")
  @Nullable String getNumerics();

  void setNumerics(@Nullable String value);

  @Description(
      "The library through which engine PJRT reaches its devices: libtpu.so, xla_cuda_plugin.so, or"
          + " another with PJRT's C API.")
  @Option(
      group = OptionGroup.MODEL,
      order = 9,
      label = "PJRT plugin",
      example = "/usr/lib/libtpu.so",
      defaultText = "what PJRT_NAMES_AND_LIBRARY_PATHS or TPU_LIBRARY_PATH name")
  @Nullable String getPjrtPlugin();

  void setPjrtPlugin(@Nullable String value);

  @Description(
      "Where workers share the programs that engine PJRT compiles, a directory that all of them"
          + " see, or gs://bucket/folder: the first compiles, which takes a minute and more at full"
          + " size, and the others fetch. Each keeps them beside the model too.")
  @Option(
      group = OptionGroup.MODEL,
      order = 14,
      label = "Folder of compiled programs",
      example = "gs://my-models/programs",
      stored = Option.Stored.FOLDER_TO_WRITE,
      defaultText = "none: each worker compiles")
  @Nullable String getCompileCache();

  void setCompileCache(@Nullable String value);

  @Description(
      "Accelerators of a worker, with --runner=DataflowRunner: a GPU such as nvidia-l4, of which"
          + " \"nvidia-l4;count:2\" are two, or a TPU such as"
          + " \"tpu-v5-lite-podslice;topology:2x4\". The words are Dataflow's,"
          + " type:nvidia-l4;count:1;machine_type:g2-standard-8;install-nvidia-driver, and what is"
          + " left out is added. GPUs go to the step that draws, TPUs to all workers; workers use"
          + " all the devices they find.")
  @Option(
      group = OptionGroup.MODEL,
      order = 15,
      pattern = "(type:)?[a-z][a-z0-9-]*(;[a-z][a-z_-]*(:[A-Za-z0-9._-]+)?)*",
      patternText = "TYPE, or TYPE;KEY:VALUE;KEY",
      example = "nvidia-l4",
      defaultText = "none: workers draw on their CPUs")
  @Nullable String getAccelerator();

  void setAccelerator(@Nullable String value);

  @Description(
      "What becomes of images that the model's safety checker flags: mark keeps them, and the"
          + " manifest and the gallery say so; blank puts a black image in their place, as"
          + " diffusers does; drop keeps only their rows, with status blocked; off does not load"
          + " the checker.")
  @Option(
      group = OptionGroup.MODEL,
      order = 10,
      values = {"mark", "blank", "drop", "off"},
      defaultText = "mark where the model has a checker, else off")
  @Nullable String getSafety();

  void setSafety(@Nullable String value);

  // Dataset

  @Description(
      "How images are stored: webdataset makes one tar file a shard, each image with its text and"
          + " parameters beside it, files makes one file an image, and metadata.jsonl.")
  @Default.String("webdataset")
  @Option(
      group = OptionGroup.DATASET,
      order = 1,
      values = {"webdataset", "files"})
  String getLayout();

  void setLayout(String value);

  @Description(
      "Images a shard: the unit that is committed, retried and resumed. What a stopped job had"
          + " drawn of an incomplete shard is drawn again, so take a smaller one for a slow model.")
  @Default.Integer(1000)
  @Option(group = OptionGroup.DATASET, order = 2, min = 1, max = 100_000)
  int getShardSize();

  void setShardSize(int value);

  @Description(
      "Formats of the manifest, a row an image: avro, parquet, jsonl, or several of them, separated"
          + " by commas.")
  @Default.String("avro")
  @Option(
      group = OptionGroup.DATASET,
      order = 3,
      pattern = "(?i)(avro|parquet|jsonl)(,(avro|parquet|jsonl))*",
      patternText = "avro, parquet, jsonl, or several of them separated by commas",
      example = "avro,parquet")
  String getManifestFormat();

  void setManifestFormat(String value);

  @Description(
      "What to do with a dataset that is there: incremental makes what is missing of the same one;"
          + " extend adds what the input has and the dataset has not, in new shards; retry-failed"
          + " tries failed images again, and puts them where they belong; overwrite erases it, all"
          + " of it, and begins anew.")
  @Default.String("incremental")
  @Option(
      group = OptionGroup.DATASET,
      order = 4,
      values = {"incremental", "extend", "retry-failed", "overwrite"})
  String getMode();

  void setMode(String value);

  @Description("The job fails if more than this part of the images could not be made.")
  @Default.Double(0.01)
  @Option(group = OptionGroup.DATASET, order = 5, min = 0, max = 1)
  double getMaxFailureRatio();

  void setMaxFailureRatio(double value);
}
