package io.shardlight.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class WeightFormulaTest {
  /** First and last elements, as NumPy 2.4.6 computes them in {@code make_checkpoint.py}. */
  @ParameterizedTest
  @CsvSource({
    "unet, conv_in.weight, 320 4 3 3, 0, 3d92d968",
    "unet, conv_in.weight, 320 4 3 3, 1, bc311463",
    "unet, conv_in.weight, 320 4 3 3, 11519, be102435",
    "unet, conv_norm_out.weight, 320, 0, 3f88411e",
    "unet, conv_norm_out.weight, 320, 319, 3f750af1",
    "unet, conv_out.weight, 4 320 3 3, 0, bc83a8d2",
    "unet, conv_out.weight, 4 320 3 3, 11519, 3b57f610",
    "unet, conv_out.bias, 4, 3, bc6664f3",
    "vae, decoder.conv_out.weight, 3 128 3 3, 0, 3c9c7eaf",
    "vae, decoder.conv_out.weight, 3 128 3 3, 3455, bc835e3b",
    "text_encoder, text_model.embeddings.position_embedding.weight, 77 768, 0, 3aa0599a",
    "text_encoder, text_model.embeddings.position_embedding.weight, 77 768, 59135, 3dc44727",
    "text_encoder, text_model.embeddings.token_embedding.weight, 49408 768, 0, 3ec877d3",
    "text_encoder, text_model.embeddings.token_embedding.weight, 49408 768, 37945343, be0e5fc7",
    "text_encoder, text_model.encoder.layers.0.layer_norm1.weight, 768, 0, 3f814662",
    "text_encoder, text_model.encoder.layers.0.layer_norm1.bias, 768, 1, bd45dfdf",
    "unet, down_blocks.0.attentions.0.transformer_blocks.0.ff.net.0.proj.weight, 2560 320, 819199,"
        + " 3dc07524",
  })
  void agreesWithTheReferenceToTheBit(
      String component, String name, String shape, long index, String bits) {
    List<Long> sizes = Arrays.stream(shape.split(" ", -1)).map(Long::valueOf).toList();
    WeightFormula formula = new WeightFormula(component, name, sizes);

    ByteBuffer piece = ByteBuffer.allocate(4);
    formula.fill(index, piece);

    assertThat(Integer.toHexString(piece.getInt(0))).isEqualTo(bits);
  }
}
