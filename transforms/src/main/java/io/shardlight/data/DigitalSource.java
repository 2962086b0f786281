package io.shardlight.data;

/** Says that pictures were made by a trained model, in IPTC's words. */
public final class DigitalSource {
  private DigitalSource() {}

  /** An XMP packet that holds IPTC's digital source type, the mark of generated pictures. */
  public static String xmp() {
    return "<?xpacket begin=\"\uFEFF\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>"
        + "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">"
        + "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">"
        + "<rdf:Description rdf:about=\"\""
        + " xmlns:Iptc4xmpExt=\"http://iptc.org/std/Iptc4xmpExt/2008-02-29/\">"
        + "<Iptc4xmpExt:DigitalSourceType>"
        + ManifestRow.DIGITAL_SOURCE_TYPE
        + "</Iptc4xmpExt:DigitalSourceType>"
        + "</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end=\"w\"?>";
  }
}
